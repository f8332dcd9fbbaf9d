// What is called "#advice" on Node.js: warnings of the process, as the server's.
import type { TransportClass } from "@sockeye/transport/client";
import { refuseRooms } from "./rooms-are-the-servers.js";
import { tellOnce } from "./told.js";

export function adviseOn(prototype: object): void {
  if (process.env["NODE_ENV"] !== "production") refuseRooms(prototype);
}

export function advise(options: object | undefined, known: readonly TransportClass[]): void {
  if (process.env["NODE_ENV"] === "production") return;
  tellOnce(options, known, (line) => process.emitWarning(line, { code: "SOCKEYE_UNKNOWN_OPTION" }));
}
