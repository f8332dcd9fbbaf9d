import { AckError, UsageError } from "@sockeye/protocol";
import {
  type DefaultEventsMap,
  Emission,
  type Emit,
  type EmitTarget,
  emitAndWait,
  Flagged,
  readEmit,
} from "@sockeye/socket";
import { describe, expect, it } from "vitest";

type AnyEvents = DefaultEventsMap;

class Target implements EmitTarget {
  readonly emits: Emit[] = [];
  emitOut(emit: Emit): void {
    this.emits.push(emit);
  }
}

const NO_FLAGS = {};
const ack = (): void => {};

describe("readEmit", () => {
  const ROWS: readonly { name: string; args: unknown[]; rest: unknown[]; ack: unknown }[] = [
    { name: "no arguments", args: [], rest: [], ack: undefined },
    { name: "arguments only", args: [1, "a", null], rest: [1, "a", null], ack: undefined },
    { name: "a last function", args: [1, ack], rest: [1], ack },
    { name: "only a function", args: [ack], rest: [], ack },
    { name: "a function that is not last", args: [ack, 1], rest: [ack, 1], ack: undefined },
    { name: "a last undefined", args: [1, undefined], rest: [1, undefined], ack: undefined },
  ];

  it.each(ROWS)("takes apart: $name", ({ args, rest, ack: expected }) => {
    const before = [...args];
    expect(readEmit("x", args, NO_FLAGS)).toEqual({
      event: "x",
      args: rest,
      ack: expected,
      ackTakesError: false,
      flags: NO_FLAGS,
    });
    expect(args).toEqual(before);
  });

  it("lets the acknowledgement take an error if there is a timeout, 0 included", () => {
    expect(readEmit("x", [ack], { timeout: 0 }).ackTakesError).toBe(true);
    expect(readEmit("x", [ack], { volatile: true }).ackTakesError).toBe(false);
  });

  it.each(["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"])(
    "refuses the reserved name %s",
    (name) => {
      let thrown: unknown;
      try {
        readEmit(name, [], NO_FLAGS);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(UsageError);
      expect(thrown).toMatchObject({
        code: "ERR_RESERVED_EVENT",
        message: `"${name}" is a reserved event name`,
      });
    },
  );

  it.each(["error", "connection", "message", "", "__proto__", "toString"])("takes the name %j", (name) => {
    expect(readEmit(name, [], NO_FLAGS).event).toBe(name);
  });
});

describe("emitAndWait", () => {
  it("resolves with the first argument of the answer, rejects with the error", async () => {
    const target = new Target();
    const good = emitAndWait(target, readEmit("x", [1], NO_FLAGS));
    const bad = emitAndWait(target, readEmit("x", [2], NO_FLAGS));
    expect(target.emits.map((emit) => [emit.args, emit.ackTakesError])).toEqual([
      [[1], true],
      [[2], true],
    ]);
    target.emits[0]?.ack?.(null, "yes", "more");
    const error = new AckError("ERR_ACK_TIMEOUT", "text");
    target.emits[1]?.ack?.(error);
    await expect(good).resolves.toBe("yes");
    await expect(bad).rejects.toBe(error);
  });

  it("rejects if the target cannot even send", async () => {
    const target: EmitTarget = {
      emitOut: () => {
        throw new UsageError("ERR_NOT_SUPPORTED", "no");
      },
    };
    await expect(emitAndWait(target, readEmit("x", [], NO_FLAGS))).rejects.toMatchObject({
      code: "ERR_NOT_SUPPORTED",
    });
  });
});

describe("flags", () => {
  it("are values: each call makes a new one, and none changes another", () => {
    const target = new Target();
    const plain = new Emission<AnyEvents>(target, NO_FLAGS);
    const volatile = plain.volatile;
    const both = volatile.compress(false);
    const timed = both.timeout(10);
    for (const each of [timed, plain, both, volatile, plain]) each.emit("x" as never);
    expect(target.emits.map(({ flags }) => flags)).toEqual([
      { volatile: true, compress: false, timeout: 10 },
      {},
      { volatile: true, compress: false },
      { volatile: true },
      {},
    ]);
  });

  it("the last one counts", () => {
    const target = new Target();
    new Emission<AnyEvents>(target, NO_FLAGS).timeout(1).compress(true).timeout(2).compress(false).emit("x");
    expect(target.emits[0]?.flags).toEqual({ timeout: 2, compress: false });
  });

  it("stay with the emit across an await", async () => {
    const target = new Target();
    const plain = new Flagged<AnyEvents>(target, NO_FLAGS);
    const late = (async (flagged) => {
      await Promise.resolve();
      flagged.emit("late");
    })(plain.volatile);
    plain.emit("now");
    await late;
    expect(target.emits.map(({ event, flags }) => [event, flags])).toEqual([
      ["now", {}],
      ["late", { volatile: true }],
    ]);
  });

  it("keep the class of what they flag", () => {
    class Own extends Flagged<AnyEvents> {
      readonly own = true;
    }
    const own = new Own(new Target(), NO_FLAGS).volatile.compress(false);
    expect(own).toBeInstanceOf(Own);
    expect(own.own).toBe(true);
  });
});

describe("Flagged", () => {
  it("emits, sends and writes", () => {
    const target = new Target();
    const flagged = new Flagged<AnyEvents>(target, { compress: false });
    expect(flagged.emit("x", 1, ack)).toBe(true);
    expect(flagged.send("text", ack)).toBe(flagged);
    expect(flagged.write("more")).toBe(flagged);
    expect(target.emits).toEqual([
      { event: "x", args: [1], ack, ackTakesError: false, flags: { compress: false } },
      { event: "message", args: ["text"], ack, ackTakesError: false, flags: { compress: false } },
      { event: "message", args: ["more"], ack: undefined, ackTakesError: false, flags: { compress: false } },
    ]);
  });

  it("emitWithAck carries the flags, and throws a reserved name at once", async () => {
    const target = new Target();
    const answer = new Emission<AnyEvents>(target, NO_FLAGS).timeout(5).emitWithAck("x", 1);
    expect(target.emits[0]).toMatchObject({ args: [1], flags: { timeout: 5 }, ackTakesError: true });
    target.emits[0]?.ack?.(null, "yes");
    await expect(answer).resolves.toBe("yes");
    expect(() => new Flagged<AnyEvents>(target, NO_FLAGS).emitWithAck("disconnect")).toThrow(UsageError);
  });
});
