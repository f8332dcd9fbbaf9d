import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import { Manager as AnyManager } from "../manager.js";
import type { Parts } from "../parts.js";
import { leanParts } from "./parts.js";

/** One connection to a server, kept alive, over WebSocket alone. */
export class Manager<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends AnyManager<ListenEvents, EmitEvents> {
  protected static override readonly parts: Parts = leanParts;
}
