import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import { Manager as AnyManager } from "../manager.js";
import type { Parts } from "../parts.js";
import { standardParts } from "./parts.js";

/** One connection to a server, kept alive, for any number of namespaces. */
export class Manager<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends AnyManager<ListenEvents, EmitEvents> {
  protected static override readonly parts: Parts = standardParts;
}
