import { io, type Socket } from "@sockeye/client";
import { contract } from "@sockeye/contract";
import { calls, streams } from "@sockeye/contract/client";
import { createHooks } from "@sockeye/react";
import { type Presence, rooms } from "@sockeye/rooms/client";
import { expectTypeOf, it } from "vitest";
import { chat } from "./site.js";

it("a contract decides about all of them", () => {
  const hooks = createHooks(io, { contract: chat, extend: [calls, streams, rooms] });
  void ((): void => {
    expectTypeOf(hooks.useConnection().error).toEqualTypeOf<Error | undefined>();
    expectTypeOf(hooks.useConnection().socket?.call).not.toBeAny();
    hooks.useEvent("moved", (n) => expectTypeOf(n).toEqualTypeOf<number>());
    // @ts-expect-error no such event
    hooks.useEvent("gone", () => {});
    const emit = hooks.useEmit();
    emit("say", "hello");
    // @ts-expect-error a number is no text
    emit("say", 5);
    const { call, answer } = hooks.useCall("rename");
    expectTypeOf(call).parameter(0).toEqualTypeOf<string>();
    expectTypeOf(answer).toEqualTypeOf<number | undefined>();
    const { items, end } = hooks.useStream("count", 3, { skip: true });
    expectTypeOf(items).toEqualTypeOf<readonly number[]>();
    expectTypeOf(end).toEqualTypeOf<string | undefined>();
    // @ts-expect-error the stream takes a number
    hooks.useStream("count");
    const { room } = hooks.useRoom("doc:1", { said: (text) => expectTypeOf(text).toEqualTypeOf<string>() });
    // @ts-expect-error a number is no text
    void room?.publish("said", [5]);
    const named = createHooks(io, { contract: contract({ rooms: ["doc:+"] }), extend: [rooms] });
    named.useRoom("doc:1");
    // @ts-expect-error no such room
    named.useRoom("dok:1");
    // @ts-expect-error nor who is there
    named.usePresence("dok:1");
    expectTypeOf(hooks.usePresence("doc:1")).toEqualTypeOf<readonly Presence[]>();
    expectTypeOf(hooks.usePresence("doc:1", (all) => all.length)).toEqualTypeOf<number>();
  });
});

interface Listen {
  said(text: string): void;
}
interface Emit {
  say(text: string, reply: (n: number) => void): void;
}

it("so do maps of events; hooks of what the socket lacks are not there", () => {
  const hooks = createHooks<Listen, Emit>(io);
  const calling = createHooks<Listen, Emit, [typeof calls]>(io, { extend: [calls] });
  void ((): void => {
    expectTypeOf(hooks.useConnection().socket).toEqualTypeOf<Socket<Listen, Emit> | undefined>();
    hooks.useEvent("said", (text) => expectTypeOf(text).toEqualTypeOf<string>());
    expectTypeOf(calling.useCall("say").answer).toEqualTypeOf<number | undefined>();
    expectTypeOf(hooks).not.toHaveProperty("useCall");
    expectTypeOf(calling).not.toHaveProperty("useStream");
    expectTypeOf(calling).not.toHaveProperty("useRoom");
  });
});
