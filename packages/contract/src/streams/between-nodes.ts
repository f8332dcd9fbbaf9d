import { ClusterError, EncodedPacket } from "@sockeye/protocol";

/** What nodes tell each other of kept streams and uploads. PROTOCOL.md, "Between nodes", has the table. */
export const SAY = {
  open: 0,
  taken: 1,
  bytes: 2,
  whole: 3,
  stop: 4,
  detach: 5,
  check: 6,
  opened: 7,
  item: 8,
  granted: 9,
  end: 10,
  again: 11,
  checked: 12,
} as const;

/** Where something is kept. */
export interface Place {
  readonly node: string;
  readonly key: string;
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

/** A frame as it was encoded for the client. @throws ClusterError `ERR_CLUSTER_INPUT` */
export function frameOf(head: unknown, attachments: unknown): EncodedPacket {
  const isBytes = (part: unknown): part is Uint8Array => part instanceof Uint8Array;
  const isHead = typeof head === "string" || isBytes(head);
  if (!isHead || !Array.isArray(attachments) || !attachments.every(isBytes)) throw badInput();
  return new EncodedPacket(head, attachments);
}

export function badInput(): ClusterError {
  return new ClusterError("ERR_CLUSTER_INPUT", "what came over the bus says nothing of a stream");
}
