// What is called "#advice" while an app is developed, by the condition that bundlers set then, and in the readable script.
import type { TransportClass } from "@sockeye/transport/client";
import { refuseRooms } from "./rooms-are-the-servers.js";
import { tellOnce } from "./told.js";

export const adviseOn = refuseRooms;

export function advise(options: object | undefined, known: readonly TransportClass[]): void {
  tellOnce(options, known, (line) => console.warn(line));
}
