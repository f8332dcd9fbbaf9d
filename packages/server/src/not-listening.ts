import type { EventEmitter } from "node:events";
import { startTimer, stopTimer } from "@sockeye/protocol";
import type { Warnings } from "./warnings.js";

const PATIENCE_MS = 5000;

/**
 * Warns if an HTTP server does not listen a while after it was attached to. Returns the function that ends the wait. It keeps no process running.
 *
 * @param isUsed an app that hands connections or requests to a server itself need not let it listen
 */
export function warnOfNotListening(
  server: EventEmitter & { readonly listening: boolean },
  isUsed: () => boolean,
  warnings: Warnings,
): () => void {
  if (server.listening) return () => {};
  const timer = startTimer(() => {
    end();
    if (server.listening || isUsed()) return;
    warnings.warnOnce(
      "SOCKEYE_NOT_LISTENING",
      "",
      () =>
        "Sockeye is attached to an HTTP server that does not listen. Call listen() of that server: app.listen() of Express makes another one",
    );
  }, PATIENCE_MS);
  timer.unref();
  const end = (): void => {
    stopTimer(timer);
    server.removeListener("listening", end);
  };
  server.once("listening", end);
  return end;
}
