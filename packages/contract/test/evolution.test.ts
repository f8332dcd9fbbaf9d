// Contracts that are not the same at both ends, and an app that moves to one step by step.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as dial } from "@sockeye/client";
import { call, contract, event, type } from "@sockeye/contract";
import { CallError, calls } from "@sockeye/contract/client";
import { Server, type ServerOptions } from "@sockeye/server";
import { io as dialStock } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { once, within } from "../../../test/support/wait.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listen(io: Server, http: ReturnType<typeof createServer>): Promise<string> {
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

const older = {
  toServer: { say: event(z.object({ text: z.string() })), rename: call(z.string(), { answer: z.string() }) },
  toClient: { said: event(z.object({ text: z.string() })) },
} as const;

/** An optional member, an event and a call more in each direction. */
const newer = {
  toServer: {
    say: event(z.object({ text: z.string(), mood: z.string().optional() })),
    rename: call(z.string(), { answer: z.string() }),
    leave: event(),
    count: call(undefined, { answer: z.number() }),
  },
  toClient: {
    said: event(z.object({ text: z.string(), mood: z.string().optional() })),
    left: event(z.string()),
  },
} as const;

describe("ends of different ages", () => {
  it("an old client on a newer server: what both know goes on, the rest is refused at the end that does not know it", async () => {
    const http = createServer();
    const io = new Server(http, { contract: contract(newer) });
    io.handle("rename", (name) => name.toUpperCase());
    io.on("connection", (socket) => {
      socket.on("say", (message) => {
        io.emit("left", "somebody");
        io.emit("said", { ...message, mood: "glad" });
      });
    });
    const url = await listen(io, http);
    const client = dial(url, { forceNew: true, contract: contract(older), extend: [calls] });
    ends.push(() => client.disconnect());
    const heard: unknown[][] = [];
    client.onAny((...args) => heard.push(args));
    const said = once(client, "said");
    client.emit("say", { text: "hello" });
    await said;
    // Schemas of objects leave out what they do not know, and "left" is not in its contract.
    expect(heard).toEqual([["said", { text: "hello" }]]);
    expect(await client.call("rename", "ada")).toBe("ADA");
  });

  it("a new client on an older server is told so", async () => {
    const http = createServer();
    const io = new Server(http, { contract: contract(older) });
    const errors: unknown[] = [];
    io.on("error", (error) => errors.push(error));
    io.handle("rename", (name) => name.toUpperCase());
    const got: unknown[] = [];
    io.on("connection", (socket) => socket.on("say", (message) => got.push(message)));
    const url = await listen(io, http);
    const client = dial(url, { forceNew: true, contract: contract(newer), extend: [calls] });
    ends.push(() => client.disconnect());
    await expect(client.call("count")).rejects.toMatchObject({ code: "ERR_UNDECLARED" });
    client.emit("leave");
    client.emit("say", { text: "hello", mood: "glad" });
    expect(await client.call("rename", "ada")).toBe("ADA");
    expect(got).toEqual([{ text: "hello" }]);
    // The call was answered; of the event nobody else would know.
    expect(errors).toEqual([expect.objectContaining({ code: "ERR_UNDECLARED" })]);
    expect(io.metrics().eventsRefused).toMatchObject({ ERR_UNDECLARED: 2 });
  });
});

// The steps of docs/migrating.md. Whatever the app has come to, a client of Socket.IO sees the same.
const Place = z.object({ x: z.number(), y: z.number() });
const taken = (name: string) => name === "Ann";

type Step = readonly [
  name: string,
  start: (http: ReturnType<typeof createServer>) => Server,
  refusal: unknown,
];

const withServer =
  (options: ServerOptions, run: (io: Server) => void): Step[1] =>
  (http) => {
    const io = new Server(http, options);
    io.on("error", () => {});
    run(io);
    return io;
  };

const byHand = (io: Server): void => {
  io.on("connection", (socket) => {
    socket.on("rename", (name: string, reply: (name: string | null) => void) =>
      reply(taken(name) ? null : name),
    );
  });
};

const STEPS: readonly Step[] = [
  [
    "1: by hand",
    withServer({}, (io) => {
      byHand(io);
      io.on("connection", (socket) => {
        socket.on("move", (to: unknown) => {
          const place = Place.safeParse(to);
          if (place.success) io.emit("moved", place.data);
        });
      });
    }),
    [null],
  ],
  [
    "2: one event is declared",
    (http) => {
      const described = contract({
        toServer: { move: event(Place), rename: call(type<string>(), { answer: type<string | null>() }) },
        toClient: { moved: event(Place) },
        unknown: "pass",
      });
      const io = new Server(http, { contract: described });
      io.on("error", () => {});
      io.on("connection", (socket) => {
        socket.on("rename", (name, reply) => reply(taken(name) ? null : name));
        socket.on("move", (to) => io.emit("moved", to));
      });
      return io;
    },
    [null],
  ],
  [
    "3: acknowledgements are calls",
    (http) => {
      const described = contract({
        toServer: {
          move: event(Place),
          rename: call(z.string(), {
            answer: z.string(),
            errors: { TAKEN: z.object({ suggest: z.string() }) },
          }),
        },
        toClient: { moved: event(Place) },
      });
      const io = new Server(http, { contract: described });
      io.on("error", () => {});
      io.handle("rename", (name) => {
        if (taken(name)) throw new CallError("TAKEN", { suggest: `${name}2` });
        return name;
      });
      io.on("connection", (socket) => {
        socket.on("move", (to) => io.emit("moved", to));
      });
      return io;
    },
    [null, { $error: { code: "TAKEN", message: "TAKEN", data: { suggest: "Ann2" } } }],
  ],
];

it.each(STEPS)("moving to a contract, %s: npm's client goes on", async (_, start, refusal) => {
  const http = createServer();
  const url = await listen(start(http), http);
  const stock = dialStock(url, { forceNew: true });
  ends.push(() => stock.disconnect());
  const ask = (name: string) =>
    within(
      new Promise((resolve) => stock.emit("rename", name, (...all: unknown[]) => resolve(all))),
      "an answer",
    );
  const moved = once(stock, "moved");
  stock.emit("move", { x: "1" });
  stock.emit("move", { x: 1, y: 2 });
  expect(await moved).toEqual([{ x: 1, y: 2 }]);
  expect(await ask("Ben")).toEqual(["Ben"]);
  expect(await ask("Ann")).toEqual(refusal);
});
