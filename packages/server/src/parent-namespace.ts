import type { Adapter } from "@sockeye/adapter";
import { Adapter as InMemoryAdapter } from "@sockeye/adapter";
import type { BroadcastOptions, EventPacket } from "@sockeye/protocol";
import { CORE, UsageError } from "@sockeye/protocol";
import type { DefaultEventsMap, EventsMap, Unchecked } from "@sockeye/socket";
import type { NamespaceServer } from "./namespace.js";
import { Namespace } from "./namespace.js";

/** Sends a broadcast of the parent to the adapters of its children. All else makes no sense there. */
class FanOutAdapter extends InMemoryAdapter {
  readonly #children: ReadonlySet<{ readonly adapter: Adapter }>;

  constructor(parent: Namespace, children: ReadonlySet<{ readonly adapter: Adapter }>) {
    super(parent);
    this.#children = children;
  }

  override broadcast(packet: EventPacket, options: BroadcastOptions): void {
    // Adapters made for Socket.IO change packets.
    for (const { adapter } of this.#children)
      adapter.broadcast({ ...packet, data: [...packet.data], nsp: adapter.nsp.name }, options);
  }
}

let parents = 0;

/**
 * What `io.of(/regex/)` or `io.of(function)` returns: a template. A child is made when the first client asks for a name
 * that matches; it begins with the middlewares and `connection` listeners that the parent has at that moment.
 */
export class ParentNamespace<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = Unchecked,
> extends Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  readonly children: Set<Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>> = new Set();
  readonly #fanOut: Adapter;

  constructor(server: NamespaceServer<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) {
    super(server, `/_${parents++}`);
    this.#fanOut = new FanOutAdapter(this as unknown as Namespace, this.children);
  }

  override get adapter(): Adapter {
    return this.#fanOut;
  }

  /** @throws UsageError `ERR_NOT_SUPPORTED`: ask the children */
  override fetchSockets(): never {
    throw new UsageError("ERR_NOT_SUPPORTED", "fetchSockets() is not supported on parent namespaces");
  }

  /** @internal @param emptied told when the child's last socket has left, or nobody was let in */
  createChild(
    name: string,
    emptied: (child: Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>) => void,
  ): Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
    const child = new Namespace<ListenEvents, EmitEvents, ServerSideEvents, SocketData>(this.server, name);
    child[CORE].emptied = () => emptied(child);
    child[CORE].middlewares = this[CORE].middlewares;
    child[CORE].inheritRooms(this[CORE]);
    child[CORE].exchange = this[CORE].exchange?.copy();
    child[CORE].inheritStreams(this[CORE]);
    for (const listener of this.listeners("connect")) child.on("connect", listener);
    for (const listener of this.listeners("connection")) child.on("connection", listener);
    this.children.add(child);
    return child;
  }
}
