import { TEXT } from "./frames.mjs";
import { HttpClient } from "./http-client.mjs";
import { openPollingSessions } from "./polling-session.mjs";

const SEPARATOR = "\x1e";
const ECHO = `42["echo","${TEXT}"]`;

/**
 * Each session sends `perPost` messages in one POST and polls on a second connection. Once all have come back and the
 * POST is answered, it sends the next ones. Of two ports the sessions begin at the first, and the rest goes to the second.
 */
export async function prepare(port, { connections, perPost }) {
  const body = Array(perPost).fill(ECHO).join(SEPARATOR);
  const [home, way = home] = [port].flat();
  const server = `127.0.0.1:${home}`;
  const sessions = await openPollingSessions(home, { connections });
  let count = 0;
  let running = false;

  const posters = sessions.map(({ http, path }) => {
    const upstream = new HttpClient(way, server);
    const downstream = way === home ? http : new HttpClient(way, server);
    const post = upstream.request("POST", path, body);
    const poll = downstream.request("GET", path);
    let missing = 0;

    const proceed = () => {
      if (missing > 0 || !running) return;
      missing = perPost + 1;
      upstream.send(post, posted);
    };
    const posted = () => {
      missing--;
      proceed();
    };
    const polled = (answer) => {
      const replies = (answer.length + 1) / (ECHO.length + 1);
      if (!Number.isInteger(replies)) throw new Error(`a wrong answer to a poll: ${answer.slice(0, 100)}`);
      count += replies;
      missing -= replies;
      downstream.send(poll, polled);
      proceed();
    };
    downstream.send(poll, polled);
    return proceed;
  });

  return {
    start() {
      running = true;
      for (const post of posters) post();
    },
    count: () => count,
    stop() {
      running = false;
    },
  };
}
