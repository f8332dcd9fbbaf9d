import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import type { Features } from "../features.js";
import { Manager as AnyManager } from "../manager.js";
import { standardParts } from "./features.js";

/** One connection to a server, kept alive, for any number of namespaces. */
export class Manager<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends AnyManager<ListenEvents, EmitEvents> {
  protected static override readonly parts: Features = standardParts;
}
