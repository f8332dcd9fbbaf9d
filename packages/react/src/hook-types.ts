import type { Auth, ExtendedSocket, Status } from "@sockeye/client";
import type { StreamEnd, StreamInput, StreamItemOf, StreamNames } from "@sockeye/contract/client";
import type { Presence, Room } from "@sockeye/rooms/client";
import type {
  CallAnswer,
  CallArgs,
  CallInput,
  EventHandler,
  EventNames,
  EventParams,
  EventsMap,
  Extended,
  Extension,
  RoomNames,
} from "@sockeye/socket";
import type { ReactNode } from "react";

/** Where to connect, and as whom. Another value makes another connection, and the hooks move to it. */
export interface ProviderProps {
  /** Of the server, with the namespace as its path. Left out: the server of the page. */
  readonly url?: string | undefined;
  /** What the server is told. A function is asked at each connection, always the latest one; it makes no new connection. */
  readonly auth?: Auth | undefined;
  readonly children?: ReactNode;
}

/** State of the connection. */
export interface Connection<S> {
  /** `connecting` while a page is rendered on a server, and until it is mounted. */
  readonly status: Status;
  /** Why the last attempt has failed: the server's refusal, for example. Gone once it is connected. */
  readonly error?: Error | undefined;
  /** For all that has no hook. There once the page is mounted. */
  readonly socket?: S | undefined;
}

/** The hooks of every socket. */
export interface CoreHooks<Listen extends EventsMap, Emit extends EventsMap, S> {
  /** Connects as long as it is mounted. All other hooks work inside of it. */
  SocketProvider(props: ProviderProps): ReactNode;
  /** Returns the state of the connection, and renders again when it changes. */
  useConnection(): Connection<S>;
  /** Calls the handler for each such event while the component is mounted: the one of the latest rendering, which need not be memoized. */
  useEvent<Ev extends EventNames<Listen>>(event: Ev, handler: EventHandler<Listen, Ev>): void;
  /** Returns a function that emits, the same one in each rendering. While there is no connection, what is emitted waits. */
  useEmit(): <Ev extends EventNames<Emit>>(event: Ev, ...args: EventParams<Emit, Ev>) => void;
}

/** What `useCall` gives. */
export interface CallState<Input, Answer> {
  /**
   * Calls the server. The state is that of the latest call; unmounting does not give a call up. A rejection is in `error` too, so nobody
   * has to catch it.
   */
  call(...args: CallArgs<Input>): Promise<Answer>;
  readonly pending: boolean;
  /** The latest answer. */
  readonly answer?: Answer | undefined;
  /** Why the latest call was refused, or failed: `isCallError(error, "TAKEN")`. */
  readonly error?: unknown;
}

/** The hooks of sockets with `calls`. */
export interface CallHooks<Emit extends EventsMap> {
  useCall<Ev extends EventNames<Emit>>(name: Ev): CallState<CallInput<Emit, Ev>, CallAnswer<Emit, Ev>>;
}

/** Options of `useStream`. */
export interface StreamHookOptions {
  /** The id of a kept stream: attaches to it, or begins it under this id if the server knows who you are. */
  readonly id?: string | undefined;
  /** Attaches behind this item. */
  readonly after?: number | undefined;
  /** Asks for nothing yet. */
  readonly skip?: boolean | undefined;
}

/** What `useStream` gives. */
export interface StreamState<Item, End> {
  /** All that has come. A new array for each frame in which something came; what is in it stays. */
  readonly items: readonly Item[];
  /**
   * - `idle`: it is skipped
   * - `pending`: nothing has come yet
   * - `streaming`, `done`, `cancelled`
   * - `failed`: see `error`
   */
  readonly status: "idle" | "pending" | "streaming" | "done" | "cancelled" | "failed";
  /** The value at the end, once it is `done`. */
  readonly end?: End | undefined;
  readonly error?: unknown;
  /** Under which id the server keeps it. */
  readonly id?: string | undefined;
  /** Stops the producer. What has come stays. */
  cancel(): void;
  /** Asks for it again, from the beginning. */
  restart(): void;
}

type StreamHookArgs<Input> = undefined extends Input
  ? [input?: Input, options?: StreamHookOptions]
  : [input: Input, options?: StreamHookOptions];

/** The hooks of sockets with `streams`. */
export interface StreamHooks<Emit extends EventsMap> {
  /**
   * Reads a stream while the component is mounted; another name, input or option begins another one. Unmounting leaves it: a kept stream
   * continues, another is stopped.
   */
  useStream<Name extends StreamNames<Emit>>(
    name: Name,
    ...args: StreamHookArgs<StreamInput<Emit, Name>>
  ): StreamState<StreamItemOf<Emit, Name>, StreamEnd<Emit, Name>>;
}

/** Handlers of a room's events, by name. */
export type RoomHandlers<Listen extends EventsMap> = {
  readonly [Ev in EventNames<Listen>]?: EventHandler<Listen, Ev>;
};

/** Options of `useRoom`. */
export interface RoomHookOptions {
  /** Where the first join begins: a position, `"last:50"`, or an age as `"10m"`. Default: from now on. */
  readonly since?: string | undefined;
  /** What the others see of this client while it is mounted. Left out: nothing. */
  readonly presence?: unknown;
}

/** What `useRoom` gives. */
export interface RoomState<Listen extends EventsMap, Emit extends EventsMap> {
  /** Has the server let it in? It stays true while the connection is away: the room is joined again by itself. */
  readonly joined: boolean;
  /** Did every event since come? `undefined` until it has joined. If it is false, load again what you show. */
  readonly complete?: boolean | undefined;
  /** Why the server does not let it in, or does not show it. */
  readonly error?: unknown;
  /** To publish, for its history, and more. There once the page is mounted. */
  readonly room?: Room<Listen, Emit> | undefined;
}

/** The hooks of sockets with `rooms`. */
export interface RoomHooks<Listen extends EventsMap, Emit extends EventsMap> {
  /**
   * Is in a room while the component is mounted; several components are in it together, once. Handlers are those of the latest rendering.
   *
   * @param name `undefined`: in none
   */
  useRoom(
    name: RoomNames<Listen> | undefined,
    handlers?: RoomHandlers<Listen>,
    options?: RoomHookOptions,
  ): RoomState<Listen, Emit>;
  /**
   * Who is in a room, or what `select` makes of it. It renders again when that has changed, by value. It joins, as `useRoom` does.
   *
   * @param name `undefined`: of none
   */
  usePresence(name: RoomNames<Listen> | undefined): readonly Presence[];
  usePresence<T>(name: RoomNames<Listen> | undefined, select: (members: readonly Presence[]) => T): T;
}

/** What `createHooks` gives: the hooks for what the socket has. */
export type Hooks<
  Listen extends EventsMap,
  Emit extends EventsMap,
  Xs extends readonly Extension[],
> = CoreHooks<Listen, Emit, ExtendedSocket<Listen, Emit, Xs>> &
  If<Xs, Listen, Emit, "call", CallHooks<Emit>> &
  If<Xs, Listen, Emit, "stream", StreamHooks<Emit>> &
  If<Xs, Listen, Emit, "room", RoomHooks<Listen, Emit>>;

/** Hooks that are there if the extensions give sockets this method. */
type If<
  Xs extends readonly Extension[],
  Listen extends EventsMap,
  Emit extends EventsMap,
  Method extends string,
  Then,
> = Extended<Xs, Listen, Emit> extends Readonly<Record<Method, unknown>> ? Then : unknown;
