import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import type { TransportClass } from "@sockeye/transport/web";
import { PollingTransport, WebSocketTransport } from "@sockeye/transport/web";
import { Manager as WebSocketManager } from "../manager.js";

/** One connection to a server, kept alive, for any number of namespaces. */
export class Manager<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends WebSocketManager<ListenEvents, EmitEvents> {
  protected static override readonly transports: readonly TransportClass[] = [
    PollingTransport,
    WebSocketTransport,
  ];
}
