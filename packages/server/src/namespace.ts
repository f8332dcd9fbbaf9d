import type { Adapter } from "@sockeye/adapter";
import type { SocketId } from "@sockeye/protocol";
import { CORE } from "@sockeye/protocol";
import type { DefaultEventsMap, EventsMap, Unchecked } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import { Audience, RESERVED_SERVER_SIDE } from "./audience.js";
import type { NamespaceMiddleware } from "./middleware.js";
import { NamespaceCore, type NamespaceHandle, type NamespaceHost } from "./namespace-core.js";
import type { NamespaceMachine } from "./namespace-machine.js";
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
    const core = this[CORE];
    core.middlewares = [...core.middlewares, middleware];
    return this;
  }

  /** @internal An event of another server; the last argument may be a function that takes the answer. */
  _onServerSideEmit([event, ...args]: readonly unknown[]): void {
    if (typeof event === "string" && !RESERVED_SERVER_SIDE.has(event)) dispatch(this, event, args);
  }
}
