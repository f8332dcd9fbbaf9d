import { HttpClient } from "./http-client.mjs";

const PATH = "/socket.io/?EIO=4&transport=polling";

/** A session over long-polling up to the answer to CONNECT, on one connection; the path of its further requests. */
export async function openPollingSession(port) {
  const http = new HttpClient(port);
  const open = JSON.parse((await http.ask("GET", PATH)).slice(1));
  const path = `${PATH}&sid=${open.sid}`;
  await http.ask("POST", path, "40");
  const answer = await http.ask("GET", path);
  if (!answer.startsWith("40")) throw new Error(`no CONNECT over polling: ${answer.slice(0, 100)}`);
  return { http, path };
}

/** Opens many, `atOnce` at a time. */
export async function openPollingSessions(port, { connections, atOnce = 50 }) {
  const sessions = [];
  let left = connections;
  const worker = async () => {
    while (left-- > 0) sessions.push(await openPollingSession(port));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return sessions;
}
