import type { EventEmitter } from "node:events";
import { isAttached } from "@sockeye/transport/server";
import type { Warnings } from "./warnings.js";

/** Warns if another server of ours has had this path of an HTTP server until now, as after a hot reload. */
export function warnOfTwoServers(
  { server, path }: { readonly server: EventEmitter; readonly path: string },
  warnings: Warnings,
): void {
  if (!isAttached(server, path)) return;
  warnings.warnOnce(
    "SOCKEYE_TWO_SERVERS",
    path,
    () =>
      `Two servers of Sockeye are attached to one HTTP server at "${path}": the last one gets all new clients. Take the other away first, by await io.close({ detach: true }), or give one of them another path`,
  );
}
