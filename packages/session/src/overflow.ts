import type { EncodedPacket } from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import type { DropPolicy, Outbox, Overflow } from "./outbox.js";
import { GAP } from "./outbox.js";
import { sizeOf } from "./waiting-packet.js";

/** Gaps are closed once they are this many, and more than the packets between them. */
const MANY_GAPS = 64;

/** The share of the bound that is free after packets were dropped: dropping walks through all that waits, and must be rare. */
const FREED = 1 / 8;

/**
 * Bounds what waits for one peer. A packet that is alone may have any size: what the app sends in one piece has to leave in
 * one piece.
 *
 * @param maxBytes of the outbox and what the transport holds, together
 * @param full makes the error that ends the session
 */
export function createOverflow(maxBytes: number, full: () => SessionError = tooSlow): Overflow {
  return {
    admit: (outbox, packet, { droppable, heldBytes }) => {
      if (droppable?.key !== undefined) replace(outbox, droppable.key);
      const freeBytes = maxBytes - heldBytes - sizeOf(packet);
      const fits = (): boolean => outbox.bytes <= freeBytes || outbox.packets.length === outbox.gaps;
      if (!fits()) {
        if (droppable?.policy === "drop-newest") return "drop";
        shed(outbox, freeBytes - maxBytes * FREED);
        if (!fits()) return droppable?.policy === "drop-oldest" ? "drop" : full();
      }
      if (droppable !== undefined) note(outbox, droppable);
      return "queue";
    },
    removed: ({ rules, places }, place) => {
      rules?.splice(place, 1);
      for (const [key, its] of places ?? []) {
        if (its === place) places?.delete(key);
        else if (its > place) places?.set(key, its - 1);
      }
    },
  };
}

/** The packet that is queued next may be dropped. */
function note(outbox: Outbox, droppable: DropPolicy): void {
  const { packets } = outbox;
  outbox.rules ??= [];
  // An array with holes would be slow.
  while (outbox.rules.length < packets.length) outbox.rules.push(undefined);
  outbox.rules.push(droppable);
  if (droppable.key === undefined) return;
  outbox.places ??= new Map();
  outbox.places.set(droppable.key, packets.length);
}

/** The packet that waits under this key has a successor. */
function replace(outbox: Outbox, key: string): void {
  const { packets, places, rules } = outbox;
  const place = places?.get(key);
  const old = place === undefined ? undefined : packets[place];
  if (place === undefined || old === undefined) return;
  const rule = rules?.[place];
  packets[place] = GAP;
  places?.delete(key);
  outbox.bytes -= sizeOf(old);
  outbox.gaps++;
  if (outbox.gaps >= MANY_GAPS && outbox.gaps > packets.length / 2) keepOnly(outbox, () => true);
  rule?.dropped?.();
}

/** Drops the oldest that may be dropped, until no more than so many bytes are left. Last values are not for this. */
function shed(outbox: Outbox, bytes: number): void {
  if (outbox.rules === undefined) return;
  const dropped: DropPolicy[] = [];
  keepOnly(outbox, (packet, rule) => {
    if (rule === undefined || rule.policy === "conflate" || outbox.bytes <= bytes) return true;
    outbox.bytes -= sizeOf(packet);
    dropped.push(rule);
    return false;
  });
  for (const rule of dropped) rule.dropped?.();
}

function keepOnly(
  outbox: Outbox,
  stays: (packet: EncodedPacket, rule: DropPolicy | undefined) => boolean,
): void {
  const { packets, rules = [] } = outbox;
  outbox.packets = [];
  outbox.rules = [];
  outbox.places = undefined;
  outbox.gaps = 0;
  for (const [place, packet] of packets.entries()) {
    const rule = rules[place];
    if (packet === GAP || !stays(packet, rule)) continue;
    if (rule === undefined) outbox.rules.push(undefined);
    else note(outbox, rule);
    outbox.packets.push(packet);
  }
}

function tooSlow(): SessionError {
  return new SessionError("ERR_OUTBOUND_FULL", "the peer reads too slowly");
}
