import { openPollingSessions } from "./polling-session.mjs";

/** Sessions over long-polling that wait for packets: each holds one connection with one GET that is not answered. */
export function prepare(port) {
  let sessions = [];
  return {
    async open({ connections }) {
      sessions = await openPollingSessions(port, { connections });
      for (const { http, path } of sessions) http.send(http.request("GET", path), () => {});
    },
    close() {
      for (const { http } of sessions) http.close();
      sessions = [];
    },
  };
}
