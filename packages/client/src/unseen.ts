import type { Session } from "@sockeye/session";
import type { BufferedPacket } from "./peer-host.js";

/** Events of Sockeye's own: those who send them begin again. */
const OWN = /^sockeye:/;

/** The events of a socket that the server never saw, oldest first, if it has said how much it saw before it went away. */
export function unseenOf({ unseen = [] }: Session, id: string | undefined): BufferedPacket[] {
  return unseen.flatMap((packet) => {
    const encoded = packet.whole ?? packet;
    const { event, by } = encoded;
    return event && by === id && !OWN.test(`${event.data[0]}`) ? [{ ...event, encoded }] : [];
  });
}
