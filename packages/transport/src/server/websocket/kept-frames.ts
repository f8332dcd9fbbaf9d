import type { EncodedPacket } from "@sockeye/protocol";

/** What a batch became: one buffer, or several when it holds bytes too large to be copied. To be written in order. */
export type Framed = Buffer | readonly Uint8Array[];

/** Marks a packet that was framed once. Who is framed again is shared by several receivers. */
const SEEN: unique symbol = Symbol("framed once");

/** What is kept in {@link EncodedPacket.wire}, once there is anything to keep. */
class KeptFrames {
  /** The last batch that began with this packet and was framed without compression, and its frames. */
  batch: readonly EncodedPacket[] | undefined = undefined;
  framed: Framed | undefined = undefined;
  deflated: DeflatedPacket[] | undefined = undefined;

  constructor(public seen: boolean) {}

  covers(batch: readonly EncodedPacket[]): boolean {
    const kept = this.batch;
    if (kept === undefined || kept.length !== batch.length) return false;
    for (let index = 0; index < batch.length; index++) if (batch[index] !== kept[index]) return false;
    return true;
  }
}

/** The frames of one packet, compressed, for all receivers whose window is large enough. */
export class DeflatedPacket {
  /** `undefined` while it is being compressed. */
  framed: Framed | undefined = undefined;
  /** To be called then. */
  waiting: (() => void)[] | undefined = undefined;

  /** @param from, to the windows of the receivers, in bits */
  constructor(
    readonly from: number,
    readonly to: number,
  ) {}
}

export function keptBatch(batch: readonly EncodedPacket[]): Framed | undefined {
  const kept = batch[0]?.wire;
  return kept instanceof KeptFrames && kept.covers(batch) ? kept.framed : undefined;
}

/**
 * Keeps the frames of a batch if each of its packets is shared, that is, was here before: a constant packet (PING) in
 * front of a peer's message must not hold that message forever.
 */
export function keepBatch(batch: readonly EncodedPacket[], framed: Framed): void {
  const first = batch[0];
  if (first === undefined || !allSeen(batch)) return;
  const kept = keptAt(first);
  kept.batch = batch;
  kept.framed = framed;
}

export function keptDeflated(packet: EncodedPacket, windowBits: number): DeflatedPacket | undefined {
  const kept = packet.wire;
  if (!(kept instanceof KeptFrames) || kept.deflated === undefined) return undefined;
  for (const form of kept.deflated) if (form.from <= windowBits && windowBits <= form.to) return form;
  return undefined;
}

/** From the first time on: what was saved by not keeping it would be little, and to compress again costs much. */
export function keepDeflated(packet: EncodedPacket, form: DeflatedPacket): void {
  const kept = keptAt(packet);
  kept.deflated ??= [];
  kept.deflated.push(form);
}

function keptAt(packet: EncodedPacket): KeptFrames {
  const { wire } = packet;
  if (wire instanceof KeptFrames) return wire;
  const kept = new KeptFrames(wire === SEEN);
  packet.wire = kept;
  return kept;
}

/** Marks all packets, and says whether all were marked before. */
function allSeen(batch: readonly EncodedPacket[]): boolean {
  let all = true;
  for (const packet of batch) {
    const { wire } = packet;
    if (wire === SEEN) continue;
    if (wire instanceof KeptFrames) {
      all &&= wire.seen;
      wire.seen = true;
    } else {
      packet.wire = SEEN;
      all = false;
    }
  }
  return all;
}
