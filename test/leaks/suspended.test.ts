import "../support/follow-fakes.js";
// Sessions whose client may come back for a while: whatever becomes of it, nothing is left.
import { Server, type ServerOptions, type Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { Connection } from "../../packages/server/src/connection.js";
import { Session } from "../../packages/session/src/session.js";
import { CountedClient, RAW_TRANSPORTS, type RawTransport } from "../support/counted.js";
import { itHolds } from "./heap.js";
import { until } from "./real-time.js";
import { atEnd, type Counted, expectNothingLeft, flowing, pass, ready, serve } from "./scene.js";

const WINDOW_MS = 30_000;
/** What the server gives to a peer that does not answer its goodbye. */
const GOODBYE_MS = 30_000;

interface Suspended {
  readonly place: Counted;
  readonly client: CountedClient;
  readonly socket: Socket;
  /** Another transport than the one that broke. */
  readonly other: RawTransport;
}

interface Ending {
  readonly options?: ServerOptions;
  end(suspended: Suspended): unknown;
  readonly reason: RegExp;
  /** Does the server close? */
  readonly closes?: boolean;
}

const windowPasses = (): Promise<void> => pass(WINDOW_MS + 1000);

async function lose({ place, client }: Pick<Suspended, "place" | "client">): Promise<void> {
  // Between two polls nobody notices.
  await ready(place);
  client.cut();
  await until(() => place.io.engine.sessions.suspendedCount === 1, "the session to be suspended");
}

const ENDINGS: Readonly<Record<string, Ending>> = {
  "its client does not come back": { end: windowPasses, reason: /^transport (close|error)$/ },
  "its client comes back, and not a second time": {
    end: async (suspended) => {
      const { client, other } = suspended;
      await flowing(client.claim(other));
      await lose(suspended);
      await windowPasses();
    },
    reason: /^transport (close|error)$/,
  },
  "its client comes back to say goodbye": {
    end: async ({ client, other }) => {
      await flowing(client.claim(other));
      await flowing(client.raw("1"));
    },
    reason: /^transport close$/,
  },
  "somebody else has claimed it in vain": {
    end: async ({ client, other }) => {
      await flowing(client.claim(other, { secret: "x".repeat(client.secret.length) }));
      await windowPasses();
    },
    reason: /^transport (close|error)$/,
  },
  "the server ends it": {
    // Its client may come back, and is sent away then.
    end: async ({ socket }) => {
      socket.disconnect(true);
      await windowPasses();
    },
    reason: /^server namespace disconnect$/,
  },
  "too much waits for it": {
    options: { resume: { maxBytes: 5000 } },
    end: ({ socket }) => {
      for (let n = 0; n < 6; n++) socket.emit("much", "x".repeat(1000));
    },
    reason: /./,
  },
  "the server closes": {
    end: ({ place }) => place.io.close(),
    reason: /^server shutting down$/,
    closes: true,
  },
};

describe.each(RAW_TRANSPORTS)("of a session that has lost its %s nothing is left", (transport) => {
  it.each(Object.entries(ENDINGS))("once %s", async (_how, ending) => {
    const place = await serve(ending.options);
    const { io } = place;
    const reasons: string[] = [];
    const failures: unknown[] = [];
    const sockets: Socket[] = [];
    io.on("connection", (socket) => {
      sockets.push(socket);
      socket.join("room");
      socket.expireAt(Date.now() + 3_600_000);
      socket.on("disconnect", (reason) => reasons.push(reason));
      const never = socket.timeout(600_000).emitWithAck("never");
      never.catch(({ code }: { code: string }) => failures.push(code));
    });
    const client = await flowing(CountedClient.open(place.port, transport));
    atEnd(() => client.cut());
    await flowing(client.send("0"));
    await flowing(client.received(2));
    const [socket] = sockets as [Socket];
    await lose({ place, client });
    expect(place.census.count(io)).toMatchObject({ suspended: 1, sockets: 1, clients: 1 });
    await ending.end({ place, client, socket, other: transport === "websocket" ? "polling" : "websocket" });

    await until(() => io.engine.clientsCount === 0, "the end of the session");
    client.cut();
    // For the client that said goodbye over a poll, and for one that nobody can tell.
    await pass(GOODBYE_MS);
    await expectNothingLeft(place, ending.closes ? { listenersOfHttp: place.census.listenersOfHttp } : {});
    expect(reasons).toEqual([expect.stringMatching(ending.reason)]);
    expect(failures).toEqual(["ERR_ACK_DISCONNECTED"]);
  });
});

describe("after all that, memory holds", () => {
  itHolds({ Server, Connection, Session });
});
