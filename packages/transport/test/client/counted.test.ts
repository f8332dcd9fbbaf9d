// What transports over HTTP do in a session that both ends count: they claim it, number their requests, and tell losses.

import { encodeChunkFrame } from "@sockeye/codec/chunk-frames";
import { Side } from "@sockeye/conformance";
import { EncodedPacket, type Transport } from "@sockeye/protocol";
import type { Target, TransportClass } from "@sockeye/transport/client";
import { EventSource } from "eventsource";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { PollingTransport } from "../../src/client/polling.js";
import { SseTransport } from "../../src/client/sse.js";
import { StreamTransport } from "../../src/client/stream.js";
import { type Asked, HandServer } from "./http-server.js";
import { target } from "./target-of.js";

const OPEN = '0{"sid":"S"}';
const CLAIM = new EncodedPacket('0{"sid":"S","secret":"s","received":3}');
const claiming = (requests = 0): Partial<Target> => ({ sid: "S", claim: CLAIM, counted: { requests } });
const REFUSAL = '{"code":1,"message":"Session ID unknown"}';

interface Way {
  readonly Class: TransportClass;
  /** Sends frames in the answer to a GET, and ends it, so that the next GET comes. */
  answer(asked: Asked, ...frames: string[]): void;
}

const WAYS: Record<string, Way> = {
  polling: { Class: PollingTransport, answer: (asked, ...frames) => asked.answer(frames.join("\x1e")) },
  stream: {
    Class: StreamTransport,
    answer: (asked, ...frames) => {
      asked.write(Buffer.concat([...frames, "6end"].map((frame) => encodeChunkFrame(frame))));
      asked.end();
    },
  },
  sse: {
    Class: SseTransport,
    answer: (asked, ...frames) => {
      asked.write(`data: ${[...frames, "6end"].join("\x1e")}\n\n`);
      asked.end();
    },
  },
};

let open: Transport | undefined;
beforeEach(() => vi.stubGlobal("EventSource", EventSource));
afterEach(() => {
  open?.close("dead");
  vi.unstubAllGlobals();
});

describe.each(Object.entries(WAYS))("%s in a counted session", (name, { Class, answer }) => {
  async function dial(changes: Partial<Target>) {
    const server = await HandServer.start();
    const dialled = target({ url: server.url, ...changes });
    const transport = new Class(dialled);
    open = transport;
    const side = new Side();
    side.use(transport);
    side.onFrame = (frame) => {
      if (frame === OPEN)
        Object.assign(dialled, { sid: "S", counted: dialled.offersResume ? { requests: 0 } : undefined });
    };
    transport.bind(side);
    return { server, transport, side, target: dialled };
  }

  it("offers to count in the handshake, and numbers what follows if the server agrees", async () => {
    const { server, side } = await dial({ offersResume: true });
    const handshake = await server.next();
    expect([handshake.query.get("resume"), handshake.query.has("n")]).toEqual(["offer", false]);
    answer(handshake, OPEN);
    let get = await server.next();
    for (const n of ["1", "2", "3"]) {
      expect([get.method, get.query.get("n"), get.query.get("resume")]).toEqual(["GET", n, null]);
      side.sendText("4x");
      const post = await server.next();
      expect([post.method, post.query.get("n"), post.query.get("resume")]).toEqual(["POST", n, null]);
      post.answer("ok");
      await side.until(() => side.writables === Number(n) + 1, "writable()");
      answer(get, "4y");
      get = await server.next();
    }
  });

  it("numbers nothing if it does not", async () => {
    const { server, side } = await dial({ offersResume: false });
    const handshake = await server.next();
    expect(handshake.query.get("resume")).toBe("without");
    answer(handshake, OPEN);
    side.sendText("4x");
    for (const asked of [await server.next(), await server.next()]) expect(asked.query.has("n")).toBe(false);
  });

  it("claims by a POST, and gets the answer by its first GET", async () => {
    const { server, side } = await dial(claiming());
    const claim = await server.next();
    expect(claim.method).toBe("POST");
    expect(claim.body).toBe(CLAIM.head);
    const { t: _, ...query } = Object.fromEntries(claim.query);
    expect(query).toEqual({ EIO: "4", transport: name, sid: "S", resume: "claim" });
    expect(server.untaken).toBe(0);
    claim.answer("ok");
    const get = await server.next();
    expect([get.method, get.query.get("n"), get.query.has("resume")]).toEqual(["GET", "1", false]);
    side.onFrame = () => side.sendText("4first");
    answer(get, OPEN);
    const next = [await server.next(), await server.next()];
    expect(next.map(({ method, query: asked }) => [method, asked.get("n")]).sort()).toEqual([
      ["GET", "2"],
      ["POST", "1"],
    ]);
  });

  it("goes on with its numbers after those of the transports before", async () => {
    const { server, side, target: dialled } = await dial(claiming(7));
    const claim = await server.next();
    expect([claim.query.get("resume"), claim.query.get("n")]).toEqual(["claim", "7"]);
    claim.answer("ok");
    side.onFrame = () => side.sendText("4first");
    answer(await server.next(), OPEN);
    const next = [await server.next(), await server.next()];
    expect(next.map(({ method, query }) => [method, query.get("n")]).sort()).toEqual([
      ["GET", "9"],
      ["POST", "8"],
    ]);
    expect(dialled.counted).toEqual({ requests: 9 });
  });

  it.each<[string, (claim: Asked) => void, number]>([
    ["a refusal", (claim) => claim.answer(REFUSAL, 400), 0],
    ["another 400", (claim) => claim.answer('{"code":3,"message":"Bad request"}', 400), 1],
    ["a proxy without a server", (claim) => claim.answer("<html>", 502), 1],
    ["a connection that breaks", (claim) => claim.destroy(), 1],
  ])("tells a refusal of the claim from all other trouble: %s", async (_what, respond, losses) => {
    const { server, side } = await dial(claiming());
    respond(await server.next());
    await side.end();
    expect(side.losses).toBe(losses);
    expect(server.untaken).toBe(0);
  });

  it("can be given up while the claim is on its way", async () => {
    const { server, transport, side } = await dial(claiming());
    const claim = await server.next();
    transport.close("dead");
    await vi.waitFor(() => expect(claim.aborted()).toBe(true));
    expect([server.untaken, side.endings.length]).toEqual([0, 0]);
  });

  it.each<[string, (get: Asked) => void, number]>([
    ["the server's goodbye", (get) => answer(get, "1"), 0],
    ["a GET that breaks off", (get) => get.destroy(), 1],
    ["an answer that is no 200", (get) => get.answer(REFUSAL, 400), 1],
  ])("tells losses from goodbyes: %s", async (_what, end, losses) => {
    const { server, side } = await dial(claiming());
    (await server.next()).answer("ok");
    answer(await server.next(), OPEN);
    end(await server.next());
    await side.end();
    expect(side.losses).toBe(losses);
  });

  it.each([
    [400, 1],
    [502, 1],
    [413, 0],
  ])("tells a POST with status %i as a loss, or not: %i", async (status, losses) => {
    const { server, side } = await dial(claiming());
    (await server.next()).answer("ok");
    side.onFrame = () => side.sendText("4x");
    answer(await server.next(), OPEN);
    const asked = [await server.next(), await server.next()];
    asked.find(({ method }) => method === "POST")?.answer("", status);
    await side.end();
    expect(side.losses).toBe(losses);
  });
});

describe("a page that goes away", () => {
  /** What was sent by beacon: parameters and body. */
  function beacons(isSent: boolean): [Record<string, string>, unknown][] {
    const sent: [Record<string, string>, unknown][] = [];
    vi.stubGlobal("navigator", {
      sendBeacon: (address: string, body: unknown) => {
        const { t: _, ...query } = Object.fromEntries(new URL(address).searchParams);
        sent.push([query, body]);
        return isSent;
      },
    });
    return sent;
  }

  async function opened(changes: Partial<Target>) {
    const server = await HandServer.start();
    const dialled = target({ url: server.url, ...changes });
    const transport = new PollingTransport(dialled);
    open = transport;
    const side = new Side();
    side.use(transport);
    side.onFrame = () => {
      Object.assign(dialled, { sid: "S", counted: dialled.offersResume ? { requests: 0 } : undefined });
    };
    transport.bind(side);
    (await server.next()).answer(OPEN);
    await server.next();
    return { server, transport, side };
  }

  it.each([
    [true, { resume: "leave" }],
    [false, {}],
  ])("says goodbye by a beacon, a POST under way or not; counted: %s", async (offersResume, more) => {
    const sent = beacons(true);
    const { server, transport, side } = await opened({ offersResume });
    side.sendText("4x");
    await server.next();
    transport.leave?.();
    transport.close("goodbye");
    expect(sent).toEqual([[{ EIO: "4", transport: "polling", sid: "S", ...more }, "1"]]);
    expect(side.endings).toEqual([]);
  });

  it("says it by a request where a beacon cannot be sent, or has headers", async () => {
    for (const headers of [undefined, { authorization: "Bearer x" }]) {
      const sent = beacons(false);
      const { server, transport } = await opened({ offersResume: true, headers });
      transport.leave?.();
      const { method, query, body } = await server.next();
      expect([method, query.get("resume"), body]).toEqual(["POST", "leave", "1"]);
      expect(sent).toHaveLength(headers ? 0 : 1);
    }
  });

  it("says it for a session that is counted even if its pipe is gone, and for no other", async () => {
    for (const offersResume of [true, false]) {
      const sent = beacons(true);
      const { transport } = await opened({ offersResume });
      transport.close("dead");
      transport.leave?.();
      expect(sent).toHaveLength(offersResume ? 1 : 0);
    }
  });
});

it.each([
  [true, ["1 n=2", "1 resume=leave"]],
  [false, ["1 "]],
])("a goodbye that fails is said once more, if the session is counted: %s", async (isCounted, said) => {
  const server = await HandServer.start();
  const counted = isCounted ? { requests: 1 } : undefined;
  const transport = new PollingTransport(target({ url: server.url, sid: "S", counted }));
  open = transport;
  transport.bind(new Side());
  const poll = await server.next();
  transport.close("goodbye");
  for (const expected of said) {
    const { body, query, destroy } = await server.next();
    const kind = ["n", "resume"].flatMap((key) => (query.has(key) ? [`${key}=${query.get(key)}`] : []));
    expect(`${body} ${kind}`).toBe(expected);
    destroy();
  }
  await vi.waitFor(() => expect(poll.aborted()).toBe(true));
  expect(server.untaken).toBe(0);
});

it("a server that answers nonsense is not lost", async () => {
  const server = await HandServer.start();
  const side = new Side();
  const transport = new PollingTransport(target({ url: server.url, ...claiming() }));
  open = transport;
  side.use(transport);
  transport.bind(side);
  (await server.next()).answer("ok");
  (await server.next()).answer("b!");
  await side.end();
  expect([side.endings[0]?.reason, side.losses]).toEqual(["parse error", 0]);
});
