import { expect } from "vitest";
import { type Cases, pause } from "./cases.js";
import type { LateSocket, Peer } from "./peer.js";

async function expectEcho(peer: Peer, payload: string, query = ""): Promise<void> {
  const sid = await peer.session(query);
  expect(await peer.push(sid, payload)).toMatchObject({ status: 200, body: "ok" });
  expect(await peer.poll(sid)).toMatchObject({ status: 200, body: payload });
}

async function expectEnded(peer: Peer, payload: string): Promise<void> {
  const sid = await peer.session();
  // Whatever the answer is: the suites leave it open, too.
  await peer.push(sid, payload).catch(() => undefined);
  expect((await peer.poll(sid)).status).toBe(400);
}

/** A WebSocket that has been answered `3probe`. */
async function probed(peer: Peer, sid: string): Promise<LateSocket> {
  const socket = peer.socket(sid);
  await socket.next("open");
  socket.send("2probe");
  expect(await socket.message()).toBe("3probe");
  return socket;
}

async function expectText(socket: LateSocket): Promise<void> {
  socket.send("4hello");
  expect(await socket.message()).toBe("4hello");
}

const BOTH: Cases = {
  "polling: a payload that is none": (peer) => expectEnded(peer, "abc"),
  "a WebSocket: text, by a client that waits for `open` first": async (peer) => {
    const socket = peer.socket();
    await socket.next("open");
    await socket.message();
    await expectText(socket);
    socket.close();
  },
  "a WebSocket: bytes": async (peer) => {
    const socket = await peer.opened();
    const bytes = Uint8Array.from(peer.revision === 4 ? [1, 2, 3, 4] : [4, 1, 2, 3, 4]);
    socket.send(bytes);
    expect(await socket.message()).toEqual(bytes);
    socket.close();
  },
  "a WebSocket: a packet that is none": async (peer) => {
    const socket = await peer.opened();
    socket.send("abc");
    await socket.next("close");
  },
  "an upgrade releases the poll": async (peer) => {
    const sid = await peer.session();
    const socket = await probed(peer, sid);
    const body = peer.revision === 4 ? "6" : "1:6";
    expect(await peer.poll(sid)).toMatchObject({ status: 200, body });
    socket.send("5");
    await expectText(socket);
  },
  "after an upgrade, a poll is refused": async (peer) => {
    const sid = await peer.session();
    const socket = await probed(peer, sid);
    socket.send("5");
    expect((await peer.poll(sid)).status).toBe(400);
    await expectText(socket);
  },
  "after an upgrade, another WebSocket is refused": async (peer) => {
    const sid = await peer.session();
    const socket = await probed(peer, sid);
    socket.send("5");
    await peer.socket(sid).next("close");
    await expectText(socket);
  },
};

export const MESSAGES_3: Cases = {
  ...BOTH,
  "polling: one text": (peer) => expectEcho(peer, "6:4hello", "&b64=1"),
  "polling: several texts": (peer) => expectEcho(peer, "6:4test16:4test26:4test3", "&b64=1"),
  "polling: text and bytes as base64": (peer) => expectEcho(peer, "6:4hello10:b4AQIDBA==", "&b64=1"),
  "polling: text and bytes as bytes": async (peer) => {
    const sid = await peer.session();
    expect(await peer.push(sid, "6:4hello10:b4AQIDBA==")).toMatchObject({ status: 200, body: "ok" });
    const text = [0, 6, 255, ...Buffer.from("4hello")];
    const bytes = [1, 5, 255, 4, 1, 2, 3, 4];
    expect([...(await peer.poll(sid)).bytes]).toEqual([...text, ...bytes]);
  },
};

export const MESSAGES_4: Cases = {
  ...BOTH,
  "polling: one text": (peer) => expectEcho(peer, "4hello"),
  "polling: several texts": (peer) => expectEcho(peer, "4test1\x1e4test2\x1e4test3"),
  "polling: text and bytes": (peer) => expectEcho(peer, "4hello\x1ebAQIDBA=="),
  "polling: a second poll while one waits": async (peer) => {
    const sid = await peer.session();
    const [first, second] = await Promise.all([
      peer.poll(sid),
      pause(5).then(() => peer.poll(`${sid}&t=burst`)),
    ]);
    expect(first).toMatchObject({ status: 200, body: "1" });
    expect([400, 500]).toContain(second.status);
    expect((await peer.poll(sid)).status).toBe(400);
  },
  "polling: a poll that is cancelled": async (peer) => {
    const sid = await peer.session();
    const cancel = new AbortController();
    const cancelled = peer.poll(sid, { signal: cancel.signal }).catch(() => "cancelled");
    await pause(5);
    cancel.abort();
    expect(await cancelled).toBe("cancelled");
    expect((await peer.poll(sid)).status).toBe(400);
  },
};
