import type { Adapter } from "@sockeye/adapter";
import type {
  Answerer,
  AnyStreamHandler,
  AnyUploadHandler,
  StreamDeclaration,
  StreamNames,
  StreamOptions,
  UploadDeclaration,
  UploadNames,
  UploadOptions,
} from "@sockeye/contract/internal";
import type { SocketId } from "@sockeye/protocol";
import { CORE, isRoomPattern, PEER, requireFunction, roomLevels } from "@sockeye/protocol";
import type { RoomRule } from "@sockeye/rooms";
import type {
  CallHandler,
  DefaultEventsMap,
  EventNames,
  EventsMap,
  ListenOptions,
  Unchecked,
} from "@sockeye/socket";
import { dispatch, isHeard, requireEventName } from "@sockeye/socket";
import { Audience, RESERVED_SERVER_SIDE } from "./audience.js";
import { handledAlready } from "./exchange.js";
import type { NamespaceMiddleware } from "./middleware.js";
import { NamespaceCore, type NamespaceHandle, type NamespaceHost } from "./namespace-core.js";
import type { NamespaceMachine } from "./namespace-machine.js";
import { RoomHandle } from "./room-handle.js";
import type { Socket } from "./socket.js";

/** The server of a namespace. As with {@link SocketNamespace}, server.ts adds the rest. */
export interface NamespaceServer<
  _ListenEvents extends EventsMap = DefaultEventsMap,
  _EmitEvents extends EventsMap = DefaultEventsMap,
  _ServerSideEvents extends EventsMap = DefaultEventsMap,
  _SocketData = Unchecked,
> {
  /** @internal */
  readonly [CORE]: NamespaceHost;
}

declare module "./socket.js" {
  interface SocketNamespace<
    ListenEvents extends EventsMap,
    EmitEvents extends EventsMap,
    ServerSideEvents extends EventsMap,
    SocketData,
  > extends Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {}
}

/**
 * A named lane on all connections, with its own sockets, rooms, middlewares and events.
 *
 * @see Socket for the type parameters
 */
export class Namespace<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = Unchecked,
> extends Audience<
  EmitEvents,
  ServerSideEvents,
  SocketData,
  Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
> {
  /** Its name, beginning with a slash. */
  readonly name: string;
  /** The sockets in it on this node, by id. */
  readonly sockets: Map<SocketId, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Map();
  /** The server it belongs to. */
  readonly server: NamespaceServer<ListenEvents, EmitEvents, ServerSideEvents, SocketData>;
  /** @internal The next id of an acknowledgement. Adapters made for Socket.IO count it up themselves. */
  _ids = 0;
  /** @internal */
  readonly [CORE]: NamespaceMachine;

  /** @internal Namespaces come from `io.of()`. */
  constructor(server: NamespaceServer<ListenEvents, EmitEvents, ServerSideEvents, SocketData>, name: string) {
    super();
    this.server = server;
    this.name = name;
    this[CORE] = new NamespaceCore(this as unknown as NamespaceHandle, server[CORE]);
  }

  /** Its adapter, which knows who is in which room. */
  get adapter(): Adapter {
    return this[CORE].adapter;
  }

  /**
   * Adds a middleware, which decides about each socket that wants to join, before `connection`. Middlewares run in order of addition.
   */
  use(middleware: NamespaceMiddleware<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>): this {
    requireFunction(middleware, "a middleware");
    const core = this[CORE];
    core.middlewares = [...core.middlewares, middleware];
    return this;
  }

  /**
   * Answers calls of all its clients: with what the handler returns, or the `CallError` that it throws. What else it throws goes to
   * `io.on("error")`, and the client is told `ERR_INTERNAL`. To a client a call is an event with an acknowledgement.
   *
   * @throws UsageError `ERR_HANDLED` if the name has a handler, or a socket a listener of that name
   */
  handle<Ev extends EventNames<ListenEvents>>(
    name: Ev,
    handler: CallHandler<ListenEvents, Ev, Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
    options?: ListenOptions,
  ): this {
    const event: unknown = name;
    requireEventName(event);
    for (const socket of this.sockets.values())
      if (isHeard(socket, event as string)) throw handledAlready(event);
    const of = (socket: object): Answerer => (socket as Socket)[PEER].calls;
    this[CORE].useExchange().handle(event, handler, { ...options, of });
    return this;
  }

  /**
   * Makes streams that clients ask for. The handler is an async generator function: what it yields are the items, what it returns is the value at the end; a
   * `CallError` that it throws is told to the client by its code, anything else as `ERR_INTERNAL`, and to `io.on("error")`.
   *
   * It is run as fast as the client reads, and stopped when the client cancels or is gone: `signal` aborts, and the generator returns. With `keep` it
   * runs to its end with or without watchers.
   *
   * @example
   * io.stream("ask", { keep: "10m" }, async function* (prompt, { signal }) {
   *   for await (const token of model(prompt, { signal })) yield token;
   * });
   *
   * @throws UsageError `ERR_HANDLED` if there is a stream of that name; `ERR_BAD_OPTION`
   */
  stream<Name extends StreamNames<ListenEvents>>(
    name: Name,
    ...rest: StreamDeclaration<
      ListenEvents,
      Name,
      Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    >
  ): this {
    const handler = rest.at(-1) as AnyStreamHandler;
    const options = rest.length > 1 ? (rest[0] as StreamOptions<never>) : {};
    this[CORE].useStreams().declare(name, options, handler);
    return this;
  }

  /**
   * Takes uploads of clients. The handler reads the bytes by `for await`, and what it returns is the answer. They come no faster than they are read.
   *
   * @example
   * io.upload("photo", { maxBytes: 10e6 }, async (file, { signal }) => {
   *   await pipeline(file, createWriteStream(newPath()), { signal });
   *   return { bytes: file.received };
   * });
   *
   * @throws UsageError `ERR_HANDLED` if there is an upload of that name; `ERR_BAD_OPTION`
   */
  upload<Name extends UploadNames<ListenEvents>>(
    name: Name,
    ...rest: UploadDeclaration<
      ListenEvents,
      Name,
      Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>
    >
  ): this {
    const handler = rest.at(-1) as AnyUploadHandler;
    this[CORE]
      .useStreams()
      .declareUpload(name, rest.length > 1 ? (rest[0] as UploadOptions<never>) : {}, handler);
    return this;
  }

  /**
   * Gives rooms a memory: declares what holds for the rooms of one name, of a pattern (`"doc:+"`: one level; `"doc:#"`: all that follow) or of a
   * regular expression. A rule says what is kept, who is shown, and what clients may do; without one a room is a label and nothing more.
   *
   * @example
   * io.room("doc:+", { keep: { count: 500, age: "24h" }, authorize: (socket, { room }) => canRead(socket.data.user, room) });
   *
   * @throws UsageError `ERR_BAD_OPTION` for a rule that makes no sense, or that means the same rooms as another one
   */
  room(
    rooms: string | RegExp,
    rule: RoomRule<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): this;
  /** A room that has a rule, to read what it keeps and who is there. */
  room(name: string): RoomHandle;
  room(
    rooms: string | RegExp,
    rule?: RoomRule<Socket<ListenEvents, EmitEvents, ServerSideEvents, SocketData>>,
  ): this | RoomHandle {
    if (typeof rooms === "string" && !isRoomPattern(roomLevels(rooms))) this[CORE].namesRooms(rooms, "room");
    if (rule === undefined) return new RoomHandle(this[CORE], rooms as string);
    this[CORE].declareRooms(rooms, rule as RoomRule<never>);
    return this;
  }

  /** @internal An event of another server; the last argument may be a function that takes the answer. @returns whether anybody listens */
  _onServerSideEmit([event, ...args]: readonly unknown[]): boolean {
    return typeof event === "string" && !RESERVED_SERVER_SIDE.has(event) && dispatch(this, event, args);
  }
}
