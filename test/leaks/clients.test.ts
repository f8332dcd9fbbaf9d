import "../support/follow-fakes.js";
// The other end: whatever ends a client, it keeps no timer, no connection and nothing in memory, and neither does the server.
import { io as dial, Manager, type Options, Socket } from "@sockeye/client";
import type { ServerOptions } from "@sockeye/server";
import { describe, expect, it, vi } from "vitest";
import { Session } from "../../packages/session/src/session.js";
import { Acks } from "../../packages/socket/src/acks.js";
import { itHolds } from "./heap.js";
import { turn } from "./real-time.js";
import { atEnd, type Counted, expectNothingLeft, flow, flowing, pass, ready, serve } from "./scene.js";

const WAYS: Readonly<Record<string, readonly string[]>> = {
  websocket: ["websocket"],
  polling: ["polling"],
  stream: ["stream"],
  "polling, then websocket": ["polling", "websocket"],
};

interface Ending {
  readonly options?: Options;
  readonly server?: Partial<ServerOptions>;
  end(client: Socket, place: Counted): unknown;
  /** May the server wait for a client to hear of the end? For so long at most. */
  readonly lingersMs?: number;
  /** Does the server close? */
  readonly closes?: boolean;
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  "it disconnects": { end: (client) => client.disconnect() },
  "its manager closes": { end: (client) => client.io.disconnect() },
  // It goes without asking what became of its session.
  "the server ends it": { end: (_client, { io }) => io.disconnectSockets(true), lingersMs: 30_000 },
  "the network breaks, and it does not try again": {
    options: { reconnection: false },
    end: async (_client, place) => {
      await ready(place);
      place.census.cut();
    },
  },
  "the network breaks, and it disconnects before it is back": {
    options: { reconnectionDelay: 60_000, reconnectionDelayMax: 60_000 },
    end: async (client, place) => {
      await ready(place);
      place.census.cut();
      await flow(() => client.disconnected, "the end");
      client.emit("never", "sent");
      client.disconnect();
    },
  },
  "the server closes, and it has tried often enough": {
    options: { reconnectionAttempts: 3, reconnectionDelay: 100, reconnectionDelayMax: 200 },
    end: async (client, { io }) => {
      let failed = false;
      client.io.on("reconnect_failed", () => {
        failed = true;
      });
      // Clients that are about to come back need time to see that they can't.
      await flowing(io.close());
      await flow(() => failed, "reconnect_failed");
    },
    closes: true,
  },
  "the server falls silent": {
    options: { reconnection: false },
    server: { pingInterval: 60_000, pingTimeout: 1000 },
    end: async (client) => {
      // What the server would say in time comes late for the client, whose clock goes ahead of it.
      await flow(() => client.disconnected, "the end", 1000);
    },
  },
};

async function comeIn(
  { port }: Counted,
  transports: readonly string[],
  options: Options = {},
): Promise<Socket> {
  const client = dial(`http://127.0.0.1:${port}`, {
    forceNew: true,
    transports: [...transports],
    ackTimeout: 500_000,
    resume: false,
    retries: 2,
    ...options,
  });
  atEnd(() => client.disconnect());
  await flow(() => client.connected, "the connection");
  await flow(() => client.io.engine.transport?.name === transports.at(-1), "the last transport");
  return client;
}

describe.each(Object.entries(WAYS))("over %s nothing is left of a client", (_name, transports) => {
  it.each(Object.entries(ENDINGS))("once %s", async (_how, ending) => {
    const place = await serve(ending.server);
    const { io, census } = place;
    const client = await comeIn(place, transports, ending.options);
    client
      .timeout(600_000)
      .emitWithAck("never")
      .catch(() => {});
    client.emit("nor that", () => {});
    client.volatile.emit("nor this");
    await ending.end(client, place);
    await flow(() => client.disconnected && io.engine.clientsCount === 0, "the end of the session");
    // What the client keeps for the next request, for 2 s of real time.
    census.closeIdle();
    client.disconnect();
    if (ending.lingersMs) vi.advanceTimersByTime(ending.lingersMs);
    await expectNothingLeft(place, ending.closes ? { listenersOfHttp: census.listenersOfHttp } : {});
  });

  it("once it was refused", async () => {
    const place = await serve();
    place.io.use((_socket, next) => next(new Error("nobody")));
    const client = dial(`http://127.0.0.1:${place.port}`, {
      forceNew: true,
      transports: [...transports],
    });
    let refused = false;
    client.on("connect_error", () => {
      refused = true;
    });
    await flow(() => refused, "the refusal");
    client.disconnect();
    await flow(() => place.io.engine.clientsCount === 0, "the end of the session");
    place.census.closeIdle();
    await expectNothingLeft(place);
  });

  it.each([0, 1, 2, 3, 5, 8])("that disconnects %i turns after it has dialled", async (turns) => {
    const place = await serve();
    const client = dial(`http://127.0.0.1:${place.port}`, {
      forceNew: true,
      transports: [...transports],
    });
    for (let n = 0; n < turns; n++) {
      vi.advanceTimersByTime(1);
      await turn();
    }
    client.disconnect();
    // A session of which the client never heard: it joins nothing for 45 s, its end is not fetched for 30 s, nor asked for in 30 s more.
    await pass(110_000);
    place.census.closeIdle();
    await expectNothingLeft(place);
    expect(client.connected).toBe(false);
  });
});

/** What the app of a client that resumes does while its session is suspended. */
const MEANWHILE: Readonly<Record<string, Ending>> = {
  "it is back, and disconnects": {
    end: async (client, { io }) => {
      await flow(() => io.metrics().sessionsResumed === 1, "the return");
      client.disconnect();
    },
  },
  "it disconnects before it is back": { end: (client) => client.disconnect() },
  "the server closes, and it has tried often enough": {
    options: { reconnectionAttempts: 2, reconnectionDelay: 100, reconnectionDelayMax: 200 },
    end: async (client, { io }) => {
      let failed = false;
      client.io.on("reconnect_failed", () => {
        failed = true;
      });
      // Clients that are about to come back need time to see that they can't.
      await flowing(io.close());
      await flow(() => failed, "reconnect_failed", 50);
    },
    closes: true,
  },
};

describe.each(["websocket", "polling", "stream"])(
  "over %s nothing is left of a client that resumes",
  (transport) => {
    it.each(Object.entries(MEANWHILE))("once the network breaks, and %s", async (_how, ending) => {
      const place = await serve();
      const { io, census } = place;
      const client = await comeIn(place, [transport], { resume: true, ...ending.options });
      client
        .timeout(600_000)
        .emitWithAck("never")
        .catch(() => {});
      await ready(place);
      census.cut();
      await flow(() => io.engine.sessions.suspendedCount === 1, "the session to be suspended", 1);
      await ending.end(client, place);
      // The server may never hear that the client does not want to come back.
      await flow(() => client.disconnected && io.engine.clientsCount === 0, "the end of the session", 100);
      await pass(60_000);
      census.closeIdle();
      client.disconnect();
      await expectNothingLeft(place, ending.closes ? { listenersOfHttp: census.listenersOfHttp } : {});
    });
  },
);

describe("after all that, memory holds", () => {
  itHolds({ Socket, Manager, Session, Acks });
});
