import type {
  AckAnswer,
  AllButLast,
  DefaultEventsMap,
  EventHandler,
  EventNames,
  EventParams,
  EventParamsWithoutAck,
  Last,
  Unchecked,
  WithAnswers,
  WithTimeout,
} from "@sockeye/socket";
import { Emission, Emitter } from "@sockeye/socket";
import { describe, expectTypeOf, it } from "vitest";

/** An app's events: an interface without an index signature, as apps write it. */
interface Events {
  none: () => void;
  plain: (a: number, b: string) => void;
  optional: (a: number, b?: string) => void;
  rest: (...all: number[]) => void;
  acked: (a: number, ack: (answer: string) => void) => void;
  ackOnly: (ack: (answer: string, more: number) => void) => void;
  ackVoid: (ack: () => void) => void;
  ackError: (ack: (error: Error, answer: boolean) => void) => void;
}

// The checks are the compiler's: a test here fails in `npm run types`.
describe("types of events", () => {
  it("name the events", () => {
    expectTypeOf<EventNames<Events>>().toEqualTypeOf<keyof Events>();
    expectTypeOf<EventNames<DefaultEventsMap>>().toEqualTypeOf<string>();
  });

  it("take the parameters of the handler", () => {
    expectTypeOf<EventParams<Events, "none">>().toEqualTypeOf<[]>();
    expectTypeOf<EventParams<Events, "plain">>().toEqualTypeOf<[a: number, b: string]>();
    expectTypeOf<EventParams<Events, "rest">>().toEqualTypeOf<number[]>();
    expectTypeOf<EventParams<Events, "acked">>().toEqualTypeOf<[a: number, ack: (answer: string) => void]>();
    expectTypeOf<EventParams<DefaultEventsMap, "x">>().toEqualTypeOf<Unchecked[]>();
  });

  it("name the handler, whatever the event", () => {
    expectTypeOf<EventHandler<Events, "plain">>().toEqualTypeOf<Events["plain"]>();
    expectTypeOf<EventHandler<Events, "unknown">>().toEqualTypeOf<(...args: Unchecked[]) => Unchecked>();
  });

  it("split the last parameter off", () => {
    expectTypeOf<Last<[1, 2, 3]>>().toEqualTypeOf<3>();
    expectTypeOf<AllButLast<[1, 2, 3]>>().toEqualTypeOf<[1, 2]>();
    expectTypeOf<AllButLast<[]>>().toEqualTypeOf<[]>();
  });

  it("emitWithAck takes all but the acknowledgement, and gives its first argument that is no error", () => {
    expectTypeOf<EventParamsWithoutAck<Events, "acked">>().toEqualTypeOf<[a: number]>();
    expectTypeOf<EventParamsWithoutAck<Events, "ackOnly">>().toEqualTypeOf<[]>();
    expectTypeOf<EventParamsWithoutAck<Events, "plain">>().toEqualTypeOf<[a: number, b: string]>();
    expectTypeOf<AckAnswer<Events, "acked">>().toEqualTypeOf<string>();
    expectTypeOf<AckAnswer<Events, "ackOnly">>().toEqualTypeOf<string>();
    expectTypeOf<AckAnswer<Events, "ackError">>().toEqualTypeOf<boolean>();
    expectTypeOf<AckAnswer<Events, "plain">>().toEqualTypeOf<Unchecked>();
  });

  it("timeout puts an error first into acknowledgements, and leaves all else", () => {
    type Timed = WithTimeout<Events>;
    expectTypeOf<EventParams<Timed, "acked">>().toEqualTypeOf<
      [a: number, (err: Error, answer: string) => void]
    >();
    expectTypeOf<EventParams<Timed, "ackOnly">>().toEqualTypeOf<
      [(err: Error, answer: string, more: number) => void]
    >();
    expectTypeOf<EventParams<Timed, "plain">>().toEqualTypeOf<[a: number, b: string]>();
    expectTypeOf<EventParams<Timed, "none">>().toEqualTypeOf<[]>();
    expectTypeOf<AckAnswer<Timed, "acked">>().toEqualTypeOf<string>();
  });

  it("a broadcast collects the answers of all receivers", () => {
    type Broadcast = WithAnswers<Events>;
    expectTypeOf<EventParams<Broadcast, "acked">>().toEqualTypeOf<
      [a: number, (err: Error, answers: string[]) => void]
    >();
    expectTypeOf<EventParams<Broadcast, "plain">>().toEqualTypeOf<[a: number, b: string]>();
    expectTypeOf<EventParams<Broadcast, "none">>().toEqualTypeOf<[]>();
    expectTypeOf<AckAnswer<Broadcast, "acked">>().toEqualTypeOf<string[]>();
    expectTypeOf<EventParams<Broadcast, "ackError">>().toEqualTypeOf<
      [ack: (err: Error, answers: boolean[]) => void]
    >();
  });

  it("without a declaration everything goes, whatever the flags", () => {
    expectTypeOf<EventParams<WithTimeout<DefaultEventsMap>, "x">>().toEqualTypeOf<Unchecked[]>();
    expectTypeOf<EventParams<WithAnswers<DefaultEventsMap>, "x">>().toEqualTypeOf<Unchecked[]>();
    expectTypeOf<AckAnswer<WithTimeout<DefaultEventsMap>, "x">>().toEqualTypeOf<Unchecked>();
  });

  it("optional and rest parameters survive timeout and broadcast", () => {
    expectTypeOf<EventParams<WithTimeout<Events>, "optional">>().toEqualTypeOf<
      Parameters<Events["optional"]>
    >();
    expectTypeOf<EventParams<WithAnswers<Events>, "optional">>().toEqualTypeOf<
      Parameters<Events["optional"]>
    >();
    expectTypeOf<EventParams<WithTimeout<Events>, "rest">>().toEqualTypeOf<number[]>();
    expectTypeOf<EventParams<WithAnswers<Events>, "rest">>().toEqualTypeOf<number[]>();
  });

  it("refuse what was not declared", () => {
    const emitter = new Emitter<Events, { own: (a: Date) => void }>();
    emitter.on("plain", (a, b) => {
      expectTypeOf(a).toEqualTypeOf<number>();
      expectTypeOf(b).toEqualTypeOf<string>();
    });
    emitter.on("own", (a) => expectTypeOf(a).toEqualTypeOf<Date>());
    // @ts-expect-error no such event
    emitter.on("plane", () => {});
    // @ts-expect-error a string is no number
    emitter.on("plain", (_a: string) => {});

    const emission = new Emission<Events>({ emitOut: () => {} }, {});
    emission.emit("plain", 1, "b");
    emission.emit("acked", 1, (answer) => expectTypeOf(answer).toEqualTypeOf<string>());
    emission.timeout(1).emit("acked", 1, (error, answer) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(answer).toEqualTypeOf<string>();
    });
    // @ts-expect-error the second argument is missing
    emission.emit("plain", 1);
    // @ts-expect-error one argument too many
    emission.emit("none", 1);
    // @ts-expect-error the answer is a string
    emission.emit("acked", 1, (_answer: number) => {});
  });
});
