import type { SessionError } from "@sockeye/protocol";
import { EncodedPacket } from "@sockeye/protocol";
import { sizeOf } from "./waiting-packet.js";

/** Stands where a packet was that a later one has replaced, so that the places of the others stay. */
export const GAP: EncodedPacket = new EncodedPacket("");

/** A packet that may be dropped if the peer is too far behind. */
export interface DropPolicy {
  readonly policy: "drop-oldest" | "drop-newest" | "conflate";
  /** With `conflate`: a later packet of this key takes the place of this one. */
  readonly key?: string | undefined;
  /** It was dropped. Must not throw. */
  readonly dropped?: (() => void) | undefined;
}

/** Bounds what waits for a peer that reads too slowly. See overflow.ts. */
export interface Overflow {
  /**
   * Asked about a packet that cannot leave at once, before it is queued. May drop others in its favour. An error ends the
   * session.
   *
   * @param heldBytes what the transport has taken and the network has not
   */
  admit(
    outbox: Outbox,
    packet: EncodedPacket,
    { droppable, heldBytes }: { droppable: DropPolicy | undefined; heldBytes: number },
  ): "queue" | "drop" | SessionError;
  /** The packet at this place was taken out. */
  removed(outbox: Outbox, place: number): void;
}

/** What waits for the transport, oldest first, counted. A session has one of its own only while something waits. */
export class Outbox {
  /** That of all sessions with nothing to send. Never pushed to. */
  static readonly empty: Outbox = new Outbox();

  packets: EncodedPacket[] = [];
  bytes = 0;
  /** By the place of a packet: may it be dropped? Only once a packet may. */
  rules: (DropPolicy | undefined)[] | undefined = undefined;
  /** By its key: the place of the last packet. Gaps are left by those before it. */
  places: Map<string, number> | undefined = undefined;
  gaps = 0;
  /** Who waits for the peer to catch up. */
  waiters: ((drained: boolean) => void)[] | undefined = undefined;

  /**
   * Takes the oldest, so many bytes of them at most, but one at least.
   *
   * @param bytes more than 0
   */
  take(bytes: number): EncodedPacket[] {
    let taken = 0;
    let end = 0;
    while (end < this.packets.length && taken < bytes) {
      const packet = this.packets[end++];
      if (packet !== undefined && packet !== GAP) taken += sizeOf(packet);
    }
    const batch = this.packets.splice(0, end);
    const gaps = this.gaps === 0 ? 0 : batch.filter((packet) => packet === GAP).length;
    this.bytes -= taken;
    this.gaps -= gaps;
    this.rules?.splice(0, end);
    for (const [key, place] of this.places ?? []) {
      if (place < end) this.places?.delete(key);
      else this.places?.set(key, place - end);
    }
    return gaps === 0 ? batch : batch.filter((packet) => packet !== GAP);
  }

  push(packet: EncodedPacket): void {
    this.packets.push(packet);
    this.bytes += sizeOf(packet);
  }
}
