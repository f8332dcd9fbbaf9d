import type { BroadcastFlags, BroadcastOptions, EventPacket, OverflowPolicy, Room } from "@sockeye/protocol";
import { EncodedPacket, PacketType } from "@sockeye/protocol";
import { ByteReader, ByteWriter, badInput } from "./wire.js";

// A broadcast between nodes: whom it means, and the very frames that clients get. Encoded once, by the node that emits.

const VOLATILE = 1;
const UNCOMPRESSED = 2;
const BYTES_HEAD = 4;
const OVERFLOW = 8;
/** Apps without types name rooms by numbers, too. Then each room says what it is. */
const NUMBERS = 16;

export interface BusEvent {
  readonly encoded: EncodedPacket;
  readonly options: BroadcastOptions;
}

export function writeEvent(
  encoded: EncodedPacket,
  { rooms, except = NOBODY, flags }: BroadcastOptions,
): Uint8Array {
  const { head, attachments, compress } = encoded;
  const overflow = flags?.overflow;
  const numbers = hasNumbers(rooms) || hasNumbers(except);
  const writer = new ByteWriter().byte(
    (flags?.volatile ? VOLATILE : 0) |
      (compress ? 0 : UNCOMPRESSED) |
      (typeof head === "string" ? 0 : BYTES_HEAD) |
      (overflow === undefined ? 0 : OVERFLOW) |
      (numbers ? NUMBERS : 0),
  );
  writeRooms(writer, rooms, numbers);
  writeRooms(writer, except, numbers);
  if (overflow !== undefined) writer.text(JSON.stringify(overflow));
  if (typeof head === "string") writer.text(head);
  else writer.bytes(head);
  writer.varint(attachments.length);
  for (const attachment of attachments) writer.bytes(attachment);
  return writer.finish();
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readEvent(body: Uint8Array): BusEvent {
  const reader = new ByteReader(body);
  const bits = reader.byte();
  const rooms = readRooms(reader, (bits & NUMBERS) !== 0);
  const except = readRooms(reader, (bits & NUMBERS) !== 0);
  const overflow = bits & OVERFLOW ? readOverflow(reader.text()) : undefined;
  const head = bits & BYTES_HEAD ? own(reader.bytes()) : reader.text();
  const attachments = Array.from({ length: reader.count() }, () => own(reader.bytes()));
  if (!reader.atEnd) throw badInput("bytes behind an event");
  const compress = (bits & UNCOMPRESSED) === 0;
  const flags: BroadcastFlags = { volatile: (bits & VOLATILE) !== 0, compress, overflow };
  return { encoded: new EncodedPacket(head, attachments, compress), options: { rooms, except, flags } };
}

/** An event of another node. What is in it is read only if it is asked for. */
export class LazyEvent implements EventPacket {
  readonly type: typeof PacketType.EVENT = PacketType.EVENT;
  readonly id: undefined = undefined;
  #data: EventPacket["data"] | undefined = undefined;

  constructor(
    readonly nsp: string,
    readonly decode: () => EventPacket["data"],
    readonly offset?: string | undefined,
    readonly withoutOffset?: EncodedPacket | undefined,
  ) {}

  get data(): EventPacket["data"] {
    this.#data ??= this.decode();
    return this.#data;
  }
}

const NOBODY: ReadonlySet<Room> = new Set();

function hasNumbers(rooms: ReadonlySet<unknown>): boolean {
  for (const room of rooms) if (typeof room === "number") return true;
  return false;
}

function writeRooms(writer: ByteWriter, rooms: ReadonlySet<unknown>, numbers: boolean): void {
  writer.varint(rooms.size);
  for (const room of rooms) {
    if (numbers) writer.byte(typeof room === "number" ? 1 : 0);
    writer.text(`${room}`);
  }
}

function readRooms(reader: ByteReader, numbers: boolean): ReadonlySet<Room> {
  const count = reader.count();
  if (count === 0) return NOBODY;
  const rooms = new Set<unknown>();
  for (let index = 0; index < count; index++) {
    const isNumber = numbers && reader.byte() === 1;
    rooms.add(isNumber ? Number(reader.text()) : reader.text());
  }
  return rooms as ReadonlySet<Room>;
}

/** It waits in outboxes, and must not hold what else came with it. */
function own(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > bytes.length * 2 ? bytes.slice() : bytes;
}

const POLICIES: ReadonlySet<unknown> = new Set(["close", "drop-oldest", "drop-newest", "conflate"]);

function readOverflow(text: string): OverflowPolicy {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw badInput("no overflow policy", error);
  }
  const { conflate } = (value ?? {}) as { conflate?: unknown };
  if (POLICIES.has(value)) return value as OverflowPolicy;
  if (typeof conflate === "string") return { conflate };
  throw badInput("no overflow policy");
}
