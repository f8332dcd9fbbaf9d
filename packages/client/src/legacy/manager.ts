import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import { Manager as AnyManager } from "../manager.js";
import type { Parts } from "../parts.js";
import { legacyParts } from "./parts.js";

/** One connection to a server, over whatever an old browser can do. */
export class Manager<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends AnyManager<ListenEvents, EmitEvents> {
  protected static override readonly parts: Parts = legacyParts;
}
