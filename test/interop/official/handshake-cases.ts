import { expect } from "vitest";
import type { Cases } from "./cases.js";
import type { Peer } from "./peer.js";

const FIELDS = ["maxPayload", "pingInterval", "pingTimeout", "sid", "upgrades"];

function expectTerms(text: string, { revision }: Peer, upgrades: readonly string[]): void {
  const terms: Record<string, unknown> = JSON.parse(text);
  // Revision 3 need not tell the size.
  if (revision === 4) expect(Object.keys(terms).sort()).toEqual(FIELDS);
  expect(terms).toMatchObject({ sid: expect.any(String), pingInterval: 300, pingTimeout: 200 });
  expect(terms["upgrades"]).toEqual(upgrades);
  expect([undefined, 1_000_000]).toContain(terms["maxPayload"]);
}

async function expectRefused(peer: Peer, ...queries: readonly string[]): Promise<void> {
  for (const query of queries) expect((await peer.ask(query)).status).toBe(400);
}

async function expectClosed(peer: Peer, ...queries: readonly string[]): Promise<void> {
  for (const query of queries) await peer.dial(query).next("close");
}

export const HANDSHAKE: Cases = {
  "polling begins a session": async (peer) => {
    const { status, body } = await peer.ask(`EIO=${peer.revision}&transport=polling`);
    expect(status).toBe(200);
    const packet = peer.revision === 4 ? body : body.slice(body.indexOf(":") + 1);
    if (peer.revision === 3) expect(body).toBe(`${packet.length}:${packet}`);
    expect(packet[0]).toBe("0");
    expectTerms(packet.slice(1), peer, ["websocket"]);
  },
  "polling with a transport that there is not": (peer) =>
    expectRefused(peer, `EIO=${peer.revision}`, `EIO=${peer.revision}&transport=abc`),
  "polling with a method that there is not": async (peer) => {
    const query = `EIO=${peer.revision}&transport=polling`;
    expect((await peer.ask(query, { method: "POST" })).status).toBe(400);
    if (peer.revision === 4) expect((await peer.ask(query, { method: "PUT" })).status).toBe(400);
  },
  "a WebSocket begins a session": async (peer) => {
    const socket = peer.socket();
    const data = String(await socket.message());
    expect(data[0]).toBe("0");
    expectTerms(data.slice(1), peer, []);
    socket.close();
  },
  "a WebSocket with a revision that there is not": (peer) =>
    expectClosed(peer, "transport=websocket", "EIO=abc&transport=websocket"),
  "a WebSocket with a transport that there is not": (peer) =>
    expectClosed(peer, `EIO=${peer.revision}`, `EIO=${peer.revision}&transport=abc`),
};

export const REVISIONS: Cases = {
  "polling with a revision that there is not": (peer) =>
    expectRefused(peer, "transport=polling", "EIO=abc&transport=polling"),
};
