import { expect } from "vitest";
import { type Cases, pause } from "./cases.js";

/** As the suites wait for the end of a session: all of its heartbeat, and no more. */
const SILENCE_MS = 300 + 200;

/** Heartbeats, the client's goodbye and upgrades, as both suites of revision 4 have them. */
export const CLOSING: Cases = {
  "polling that is silent loses its session": async (peer) => {
    const sid = await peer.session();
    await pause(SILENCE_MS);
    // Revision 3 is the client's to ping.
    const late = peer.revision === 4 ? peer.poll(sid) : peer.push(sid, "1:2");
    expect((await late).status).toBe(400);
  },
  "a WebSocket that is silent is closed": async (peer) => {
    await peer.socket().next("close");
  },
  "a CLOSE by POST answers the poll that waits": async (peer) => {
    const packet = (type: string): string => (peer.revision === 4 ? type : `1:${type}`);
    const sid = await peer.session();
    const [polled] = await Promise.all([peer.poll(sid), peer.push(sid, packet("1"))]);
    expect(polled).toMatchObject({ status: 200, body: packet("6") });
    expect((await peer.poll(sid)).status).toBe(400);
  },
  "a CLOSE over a WebSocket closes it": async (peer) => {
    const socket = await peer.opened();
    socket.send("1");
    await socket.next("close");
  },
};

export const HEARTBEATS: Cases = {
  "polling gets three PINGs": async (peer) => {
    const sid = await peer.session();
    for (let i = 0; i < 3; i++) {
      expect(await peer.poll(sid)).toMatchObject({ status: 200, body: "2" });
      expect((await peer.push(sid, "3")).status).toBe(200);
    }
  },
  "a WebSocket gets three PINGs": async (peer) => {
    const socket = await peer.opened();
    for (let i = 0; i < 3; i++) {
      await socket.ping();
      socket.send("3");
    }
    socket.close();
  },
};

export const OLD_HEARTBEATS: Cases = {
  "polling is answered three times": async (peer) => {
    const sid = await peer.session("&b64=1");
    for (let i = 0; i < 3; i++) {
      expect((await peer.push(sid, "1:2")).status).toBe(200);
      expect(await peer.poll(sid)).toMatchObject({ status: 200, body: "1:3" });
    }
  },
  "a WebSocket is answered three times": async (peer) => {
    const socket = await peer.opened();
    for (let i = 0; i < 3; i++) {
      socket.send("2");
      expect(await socket.message()).toBe("3");
    }
    socket.close();
  },
};
