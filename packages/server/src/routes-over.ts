import type { IncomingMessage, ServerResponse } from "node:http";
import { shown } from "@sockeye/protocol";
import type { Warnings } from "./warnings.js";

/** Warns if a request of ours is answered by a framework that was put on the HTTP server after us, and so gets all requests. */
export function warnOfRoutesOver(
  { req, res }: { readonly req: IncomingMessage; readonly res: ServerResponse },
  warnings: Warnings,
): void {
  res.once("finish", () => {
    // We have all our files, and answer requests of the engine in other ways.
    if (res.statusCode !== 404) return;
    const [path] = (req.url ?? "").split("?", 1);
    warnings.warnOnce(
      "SOCKEYE_ROUTES_OVER",
      "",
      () =>
        `A listener for "request" that was added after Sockeye has answered ${shown(path)} with 404. Put the framework on the server first: const http = createServer(app); const io = new Server(http)`,
    );
  });
}
