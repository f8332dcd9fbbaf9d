import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import type { Options } from "./options.js";
import type { Socket } from "./socket.js";
import { io } from "./standard/io.js";

/** What `require("@sockeye/client")` gives: `require("@sockeye/client")(url, options)` makes a socket. */
export function callable<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
>(uri?: string | Options, opts?: Options): Socket<ListenEvents, EmitEvents> {
  return io(uri, opts);
}
