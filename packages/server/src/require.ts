import type { DefaultEventsMap, EventsMap, Unchecked } from "@sockeye/socket";
import type { ServerOptions } from "./options.js";
import type { AnyHttpServer } from "./server.js";
import { Server } from "./server.js";

/** What `require("@sockeye/server")` gives: `require("@sockeye/server")(httpServer, options)` makes a server. */
export function callable<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
  SocketData = Unchecked,
>(
  server?: AnyHttpServer | number | string,
  options?: ServerOptions,
): Server<ListenEvents, EmitEvents, ServerSideEvents, SocketData> {
  return new Server(server, options);
}
