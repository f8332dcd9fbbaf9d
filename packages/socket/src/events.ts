/**
 * Typed events: an app describes its events as an interface of functions, the last parameter of which may be the
 * acknowledgement. Same type parameters and same inference as Socket.IO's.
 */

/** What a value of an undeclared event is: nobody has checked it. The type of `JSON.parse`, and here the only such hole. */
export type Unchecked = ReturnType<typeof JSON.parse>;

/** An interface of event handlers; interfaces without an index signature fit too. */
export interface EventsMap {
  [event: string]: Unchecked;
}

/** The map of an app that declares no events: every name, every argument. */
export interface DefaultEventsMap {
  [event: string]: (...args: Unchecked[]) => void;
}

export type EventNames<Map extends EventsMap> = keyof Map & (string | symbol);

/** Where a map of events keeps the names of its rooms, for the compiler alone. */
export declare const ROOMS: unique symbol;

/** The names of a contract's rooms; any, where it says nothing of them. */
export type RoomNames<Map extends EventsMap> = Map extends { readonly [ROOMS]?: infer Names }
  ? unknown extends Names
    ? string
    : Exclude<Names, undefined>
  : string;

type Fn = (...args: Unchecked[]) => Unchecked;

/** Arguments of an event, an acknowledgement callback included. */
export type EventParams<Map extends EventsMap, Ev extends EventNames<Map>> = Parameters<
  Map[Ev] extends Fn ? Map[Ev] : Fn
>;

/** The handler of an event; an event that is not declared takes any. */
export type EventHandler<Map extends EventsMap, Ev extends string | symbol | number> = Ev extends keyof Map
  ? Map[Ev] extends Fn
    ? Map[Ev]
    : Fn
  : Fn;

/** The last item of a list. Nobody knows it if the list has no fixed length. */
export type Last<T extends readonly unknown[]> = T extends readonly []
  ? never
  : T extends readonly [...infer _Head, infer L]
    ? L
    : Unchecked;
export type AllButLast<T extends readonly unknown[]> = T extends readonly []
  ? []
  : T extends readonly [...infer H, infer _L]
    ? H
    : Unchecked[];

/** The type of the first argument of a callback. */
type FirstArgOf<T> = T extends (arg: infer P, ...rest: Unchecked[]) => Unchecked ? P : Unchecked;

/** The type of a callback's first argument that is not an `Error`: what `emitWithAck` resolves with. */
type FirstAnswerOf<T> = T extends (...args: infer P) => Unchecked
  ? P extends readonly [Error, infer A, ...unknown[]]
    ? A
    : P extends readonly []
      ? undefined
      : FirstArgOf<T>
  : Unchecked;

/** Arguments of `emitWithAck`: those of the event without its acknowledgement. */
export type EventParamsWithoutAck<Map extends EventsMap, Ev extends EventNames<Map>> =
  Last<EventParams<Map, Ev>> extends Fn ? AllButLast<EventParams<Map, Ev>> : EventParams<Map, Ev>;

/**
 * Events that `emitWithAck` takes: those whose last parameter may be an acknowledgement. For one that has none there would be no
 * answer to wait for.
 */
export type EventNamesWithAck<Map extends EventsMap> = EventNames<Map> &
  { [Ev in EventNames<Map>]: HasAck<Map, Ev> extends false ? never : Ev }[EventNames<Map>];

type HasAck<Map extends EventsMap, Ev extends EventNames<Map>> = [Map[Ev]] extends [never]
  ? true
  : EventParams<Map, Ev> extends readonly []
    ? false
    : [Last<EventParams<Map, Ev>>] extends [Fn]
      ? true
      : false;

/** What `emitWithAck` resolves with. */
export type AckAnswer<Map extends EventsMap, Ev extends EventNames<Map>> = [Map[Ev]] extends [never]
  ? Unchecked
  : Last<EventParams<Map, Ev>> extends Fn
    ? FirstAnswerOf<Last<EventParams<Map, Ev>>>
    : Unchecked;

/**
 * Functions among the parameters get an error first, unless they have one. Maps the whole list, so that optional and rest
 * parameters stay what they are.
 */
type PrependError<T extends unknown[]> = {
  [K in keyof T]: T[K] extends (...args: infer P) => infer R
    ? P[0] extends Error
      ? T[K]
      : (err: Error, ...args: P) => R
    : T[K];
};

/** The events of `socket.timeout(…)`: their acknowledgements get an error first. */
export type WithTimeout<Map extends EventsMap> = {
  [K in keyof Map]: Map[K] extends (...args: infer P) => infer R ? (...args: PrependError<P>) => R : Map[K];
};

type CollectAnswers<T extends unknown[]> = {
  [K in keyof T]: T[K] extends (...args: infer P) => infer R
    ? (err: Error, answers: FirstAnswer<P>[]) => R
    : T[K];
};
type FirstAnswer<P extends unknown[]> = P[0] extends Error ? P[1] : P[0];

/** The events of a broadcast: their acknowledgements get an error and the answers of all receivers. */
export type WithAnswers<Map extends EventsMap> = {
  [K in keyof Map]: Map[K] extends (...args: infer P) => infer R ? (...args: CollectAnswers<P>) => R : Map[K];
};
