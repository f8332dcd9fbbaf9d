import { io } from "@sockeye/client";
import { call, contract, event, type RefusalOf, type RoomOf, stream, type } from "@sockeye/contract";
import { calls, streams } from "@sockeye/contract/client";
import { rooms } from "@sockeye/rooms/client";
import { Server } from "@sockeye/server";
import { type as ark } from "arktype";
import * as v from "valibot";
import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

interface User {
  readonly name: string;
}

// No type argument anywhere below: all types come from this one object. A schema of each of three validators.
const chat = contract({
  toServer: {
    say: event(z.object({ text: z.string(), at: z.string().transform(Number) })),
    move: event(v.number(), v.optional(v.number())),
    leave: event(),
    rename: call(
      z.string().transform((name) => name.length),
      {
        answer: v.pipe(
          v.string(),
          v.transform((text) => text === "yes"),
        ),
        errors: { TAKEN: z.object({ suggest: z.string() }), BUSY: type<undefined>() },
      },
    ),
    count: call(undefined, { answer: ark("number") }),
    ask: stream(z.string(), { item: z.string().transform(Number), end: z.number() }),
    tail: stream(undefined, { item: type<User>() }),
  },
  toClient: {
    said: event(type<User>(), z.coerce.number()),
    ready: call(type<number>(), { answer: z.boolean() }),
  },
  data: type<{ user: User }>(),
  rooms: ["doc:+", "lobby", "a/+:b", "log:#", "#general", "c++"],
});

/** Whatever is read or called on it is itself again: the expressions below run, and mean something to the compiler only. */
const anything: unknown = new Proxy(() => {}, {
  get: (_, name) => (name === "then" ? undefined : anything),
  apply: () => anything,
});
const typed = <T>(_make: () => T): T => anything as T;

const server = typed(() => new Server({ contract: chat }));
const client = typed(() => io("http://a.example", { contract: chat, extend: [calls, streams, rooms] }));

// The checks are the compiler's: a test here fails in `npm run types`.
describe("types from a contract", () => {
  const never = (_act: () => unknown): void => {};

  it("a client emits what schemas take, and hears what they give", () => {
    client.emit("say", { text: "a", at: "1" });
    client.emit("move", 1);
    client.emit("move", 1, 2);
    client.emit("leave");
    client.on("said", (who, at) => {
      expectTypeOf(who).toEqualTypeOf<User>();
      expectTypeOf(at).toEqualTypeOf<number>();
    });
    // @ts-expect-error the sender gives the input of a transform
    client.emit("say", { text: "a", at: 1 });
    // @ts-expect-error a number
    client.emit("move", "1");
    // @ts-expect-error no such event
    client.emit("said");
    // @ts-expect-error nor to hear
    client.on("say", () => {});
    // @ts-expect-error a stream is no event
    client.emit("ask", "a");
  });

  it("a stream is made of what schemas take, and read as what they give", () => {
    server.stream(
      "ask",
      { keep: "1m", owner: (socket) => socket.data.user.name },
      async function* (prompt, { socket }) {
        expectTypeOf(prompt).toEqualTypeOf<string>();
        expectTypeOf(socket.data).toEqualTypeOf<{ user: User }>();
        yield "1";
        return 2;
      },
    );
    server.stream("tail", async function* () {
      yield { name: "Ada" };
    });
    never(async () => {
      const asked = client.stream("ask", "why", { id: "a", after: 1 });
      for await (const item of asked) expectTypeOf(item).toEqualTypeOf<number>();
      expectTypeOf(await asked.end).toEqualTypeOf<number>();
      for await (const item of client.stream("tail")) expectTypeOf(item).toEqualTypeOf<User>();
    });
    // @ts-expect-error the item of a transform is what it takes
    server.stream("tail", async function* () {
      yield 1;
    });
    // @ts-expect-error a stream is no call
    client.call("ask", "a");
    // @ts-expect-error nor an event a stream
    client.stream("say", { text: "a", at: "1" });
    // @ts-expect-error its input
    client.stream("ask", 1);
  });

  it("a server hears what schemas give, and emits what they take", () => {
    server.on("connection", (socket) => {
      expectTypeOf(socket.data).toEqualTypeOf<{ user: User }>();
      socket.on("say", (message) => expectTypeOf(message).toEqualTypeOf<{ text: string; at: number }>());
      socket.on("move", (x, y) => {
        expectTypeOf(x).toEqualTypeOf<number>();
        expectTypeOf(y).toEqualTypeOf<number | undefined>();
      });
      socket.emit("said", { name: "Ada" }, "7");
      socket.to("doc:1").emit("said", { name: "Ada" }, 7);
      // @ts-expect-error an argument is missing
      socket.emit("said", { name: "Ada" });
      // @ts-expect-error no such event
      socket.on("said", () => {});
    });
    server.emit("said", { name: "Ada" }, 7);
    // @ts-expect-error a user has a name
    server.to("lobby").emit("said", {}, 7);
  });

  it("calls: input and answer at each end", () => {
    never(async () => {
      expectTypeOf(client.call("rename", "Ada")).toEqualTypeOf<Promise<boolean>>();
      expectTypeOf(client.call("count")).toEqualTypeOf<Promise<number>>();
      client.call("count", undefined, { timeoutMs: 5 });
      expectTypeOf(client.emitWithAck("rename", "Ada")).toEqualTypeOf<Promise<boolean | null>>();
      // @ts-expect-error the input is missing
      client.call("rename");
      // @ts-expect-error a text
      client.call("rename", 1);
      // @ts-expect-error no such call
      client.call("ready", 1);
    });
    server.handle("rename", (length, { socket, signal }) => {
      expectTypeOf(length).toEqualTypeOf<number>();
      expectTypeOf(socket.data.user).toEqualTypeOf<User>();
      expectTypeOf(signal).toEqualTypeOf<AbortSignal>();
      return "yes";
    });
    // @ts-expect-error the answer is a number
    server.handle("count", () => "1");
    server.on("connection", (socket) => {
      expectTypeOf(socket.call("ready", 1)).toEqualTypeOf<Promise<boolean>>();
      // @ts-expect-error a call of the other direction
      socket.call("rename", "Ada");
      socket.on("rename", (length, reply) => {
        expectTypeOf(length).toEqualTypeOf<number>();
        reply("no");
        reply(null, { $error: { code: "TAKEN", message: "" } });
      });
    });
    client.handle("ready", (round, { socket }) => {
      expectTypeOf(round).toEqualTypeOf<number>();
      expectTypeOf(socket.call("count")).toEqualTypeOf<Promise<number>>();
      return true;
    });
    // @ts-expect-error the answer is a boolean
    never(() => client.handle("ready", () => "yes"));
  });

  it("refusals are a union by code; rooms are patterns of names", () => {
    type Refusal = RefusalOf<typeof chat, "rename">;
    expectTypeOf<Refusal["code"]>().toEqualTypeOf<"TAKEN" | "BUSY">();
    expectTypeOf<Extract<Refusal, { code: "TAKEN" }>["data"]>().toEqualTypeOf<{ suggest: string }>();
    expectTypeOf<RoomOf<typeof chat>>().toEqualTypeOf<
      `doc:${string}` | "lobby" | `a/${string}:b` | `log:${string}` | "#general" | "c++"
    >();
    never(() => [client.room("doc:1"), client.room("log:a:b"), client.room("#general"), client.room("c++")]);
    // @ts-expect-error no such room
    never(() => client.room("dok:1"));
    // @ts-expect-error a name, no pattern
    never(() => client.room("c1"));
    // @ts-expect-error no such call
    type _None = RefusalOf<typeof chat, "none">;
  });

  it("of a namespace, by its own contract", () => {
    const other = server.of("/other", contract({ toClient: { hello: event(z.string()) } }));
    other.emit("hello", "a");
    // @ts-expect-error a text
    other.emit("hello", 1);
    other.on("connection", (socket) => expectTypeOf(socket.data).toBeAny());
  });

  it("a contract takes only what describes something", () => {
    // @ts-expect-error a schema alone is no event
    never(() => contract({ toServer: { say: z.string() } }));
    // @ts-expect-error a type is no schema
    never(() => event("string"));
    // @ts-expect-error nor here
    never(() => call("string"));
    // @ts-expect-error a word too many
    never(() => contract({ unknown: "ignore" }));
  });

  it("without a contract calls are as typed as the events", () => {
    interface ToServer {
      rename: (name: string, reply: (taken: boolean) => void) => void;
    }
    const byHand = typed(() => new Server<ToServer, Record<never, never>>());
    byHand.handle("rename", (name) => name === "Ada");
    // @ts-expect-error the acknowledgement takes a boolean
    byHand.handle("rename", () => "no");
    const loose = typed(() => io("http://a.example", { extend: [calls] }));
    never(async () => expectTypeOf(await loose.call("anything", 1)).toBeAny());
    new Server().handle("anything", (input) => expectTypeOf(input).toBeAny());
    const plain = typed(() => io("http://a.example"));
    // @ts-expect-error not asked for
    never(() => plain.call("anything"));
  });
});
