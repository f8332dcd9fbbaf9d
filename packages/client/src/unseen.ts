import { isOwnEvent } from "@sockeye/protocol";
import type { Session } from "@sockeye/session";
import type { BufferedPacket } from "./peer-host.js";

/**
 * The events of a socket that the server never saw, oldest first, if it has said how much it saw before it went away. Events of Sockeye's
 * own are not among them: those who send them begin again.
 */
export function unseenOf({ state, packets }: Session, id: string | undefined): BufferedPacket[] {
  // Of an end that is not over nobody knows.
  const left = state === "closed" ? packets.flat() : [];
  return left.flatMap((packet) => {
    const encoded = packet.whole ?? packet;
    const { event, by } = encoded;
    return event && by === id && !isOwnEvent(event.data[0]) ? [{ ...event, encoded }] : [];
  });
}
