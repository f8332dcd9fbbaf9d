import { expect } from "vitest";
import type { Cases } from "./cases.js";
import type { LateSocket, Peer } from "./peer.js";

/** A WebSocket that has joined the main namespace. */
async function joined(peer: Peer): Promise<LateSocket> {
  const socket = await peer.opened();
  socket.send("40");
  await socket.message();
  await socket.message();
  return socket;
}

interface Join {
  readonly asks: string;
  readonly answer: string;
  readonly greeting: string;
}

async function expectJoin(peer: Peer, { asks, answer, greeting }: Join): Promise<void> {
  const socket = await peer.opened();
  socket.send(asks);
  const said = String(await socket.message());
  expect(said.slice(0, answer.length)).toBe(answer);
  expect(JSON.parse(said.slice(answer.length))).toEqual({ sid: expect.any(String) });
  expect(await socket.message()).toBe(greeting);
}

async function expectClosedBy(peer: Peer, frame: string): Promise<void> {
  const socket = await joined(peer);
  socket.send(frame);
  await socket.next("close");
}

async function expectAnswer(peer: Peer, frame: string, answer: string): Promise<void> {
  const socket = await joined(peer);
  socket.send(frame);
  expect(await socket.message()).toBe(answer);
}

const FIRST = Uint8Array.from([1, 2, 3]);
const SECOND = Uint8Array.from([4, 5, 6]);
const TWO = '{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}';

async function expectBytes(peer: Peer, head: string, answer: string): Promise<void> {
  const socket = await joined(peer);
  socket.send(head, FIRST, SECOND);
  expect(await socket.messages(3)).toEqual([answer, FIRST, SECOND]);
  socket.close();
}

/** Upgrades, as a client sees them that hurries. */
export const UPGRADES_5: Cases = {
  "an upgrade is answered": async (peer) => {
    const socket = peer.socket(await peer.session());
    await socket.next("open");
    socket.send("2probe");
    expect(await socket.message()).toBe("3probe");
    socket.send("5");
  },
  "after an upgrade, a poll is refused": async (peer) => {
    const sid = await peer.session();
    const socket = peer.socket(sid);
    await socket.next("open");
    socket.send("2probe", "5");
    expect((await peer.poll(sid)).status).toBe(400);
  },
  "after an upgrade, another WebSocket is refused": async (peer) => {
    const sid = await peer.session();
    const socket = peer.socket(sid);
    await socket.next("open");
    socket.send("2probe", "5");
    await peer.socket(sid).next("close");
  },
};

export const SOCKETS: Cases = {
  "joins the main namespace": (peer) =>
    expectJoin(peer, { asks: "40", answer: "40", greeting: '42["auth",{}]' }),
  "joins the main namespace with auth": (peer) =>
    expectJoin(peer, { asks: '40{"token":"123"}', answer: "40", greeting: '42["auth",{"token":"123"}]' }),
  "joins another namespace": (peer) =>
    expectJoin(peer, { asks: "40/custom,", answer: "40/custom,", greeting: '42/custom,["auth",{}]' }),
  "joins another namespace with auth": (peer) =>
    expectJoin(peer, {
      asks: '40/custom,{"token":"abc"}',
      answer: "40/custom,",
      greeting: '42/custom,["auth",{"token":"abc"}]',
    }),
  "is refused by a namespace that there is not": async (peer) => {
    const socket = await peer.opened();
    socket.send("40/random");
    expect(await socket.message()).toBe('44/random,{"message":"Invalid namespace"}');
  },
  "is closed for what is no packet before it has joined": async (peer) => {
    const socket = await peer.opened();
    socket.send("4abc");
    await socket.next("close");
  },
  "is closed if it does not join": async (peer) => {
    await peer.socket().next("close");
  },
  "leaves the main namespace, and the session goes on": async (peer) => {
    const socket = await joined(peer);
    socket.send("41");
    await socket.ping();
  },
  "leaves another namespace, and the main one goes on": async (peer) => {
    const socket = await joined(peer);
    await socket.ping();
    socket.send("40/custom");
    await socket.message();
    await socket.message();
    socket.send("41/custom", '42["message","message to main namespace"]');
    expect(await socket.message()).toBe('42["message-back","message to main namespace"]');
  },
  "an event": (peer) =>
    expectAnswer(peer, '42["message",1,"2",{"3":[true]}]', '42["message-back",1,"2",{"3":[true]}]'),
  "an event with bytes": (peer) => expectBytes(peer, `452-["message",${TWO}]`, `452-["message-back",${TWO}]`),
  "an acknowledgement": (peer) =>
    expectAnswer(peer, '42456["message-with-ack",1,"2",{"3":[false]}]', '43456[1,"2",{"3":[false]}]'),
  "an acknowledgement with bytes": (peer) =>
    expectBytes(peer, `452-789["message-with-ack",${TWO}]`, `462-789[${TWO}]`),
  "is closed for a type that there is not": (peer) => expectClosedBy(peer, "4abc"),
  "is closed for an event that is no array": (peer) => expectClosedBy(peer, "42{}"),
  "is closed for an id that is no number": (peer) =>
    expectClosedBy(peer, '42abc["message-with-ack",1,"2",{"3":[false]}]'),
};
