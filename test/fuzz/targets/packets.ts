import { codecFromParser, createTextCodec } from "@sockeye/codec";
import {
  type FrameVector,
  frameOf,
  frameVector,
  type PacketVector,
  packetOf,
  packetText,
} from "@sockeye/conformance";
import { type Codec, CodecError, type EncodedPacket, type Frame, type Packet } from "@sockeye/protocol";
import type { Packet as StockPacket } from "socket.io-parser";
import * as stock from "socket.io-parser";
import { mutateText } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Meter, type Target, target } from "../target.js";
import { packet, text } from "../values.js";

/** A packet as an app sends it, or the frames of a message as a stranger sends them, without the engine's digit. */
export type PacketInput =
  | { readonly packet: PacketVector["packet"] }
  | { readonly frames: readonly FrameVector[] };

const codec = createTextCodec();
const bridge = codecFromParser(stock);

const TOKENS = [
  "0",
  "1",
  "2",
  "3",
  "4",
  "5",
  "6",
  "50-",
  "51-",
  "611-",
  "/,",
  "/a,",
  "12",
  "[",
  "]",
  "{",
  "}",
  '"',
  ",",
];
const PLACEHOLDERS = ['{"_placeholder":true,"num":0}', '{"_placeholder":true,"num":1}', '{"_placeholder":1}'];

export const packets: Target = target<PacketInput>({
  name: "packets",
  cases: 8_000,
  generate: generatePackets,
  run: (input, meter) => {
    if ("packet" in input) roundTrip(codec, input.packet, meter);
    else receive(input.frames.map(frameOf), meter);
  },
});

/** Our checks behind a parser of somebody else. */
export const parserBridge: Target = target<PacketInput>({
  name: "parser-bridge",
  cases: 4_000,
  generate: generatePackets,
  run: (input, meter) => {
    if ("packet" in input) {
      // Beside bytes, Socket.IO's parser loses the one and takes the other for its own.
      if (!/__proto__|_placeholder/.test(JSON.stringify(input.packet)))
        roundTrip(bridge, input.packet, meter);
      return;
    }
    const decoder = bridge.decoder();
    for (const frame of input.frames.map(frameOf)) {
      if ("error" in meter.outcome(() => decoder.write(frame), isCodecError)) break;
    }
    decoder.close?.();
  },
});

function generatePackets(random: Random): PacketInput {
  const vector = packet(random);
  if (random.chance(0.3)) return { packet: vector };
  const sent = tryEncode(codec, packetOf({ packet: vector }));
  const frames: FrameVector[] = sent === undefined ? [text(random)] : framesOf(sent).map(frameVector);
  return { frames: spoil(random, frames) };
}

function spoil(random: Random, frames: FrameVector[]): FrameVector[] {
  const spoilt = frames.map((frame) =>
    typeof frame === "string" && random.chance(0.8)
      ? mutateText(random, frame, [...TOKENS, ...PLACEHOLDERS])
      : frame,
  );
  if (random.chance(0.2)) spoilt.splice(random.below(spoilt.length + 1), random.below(2));
  if (random.chance(0.2)) spoilt.splice(random.below(spoilt.length + 1), 0, frameVector(random.bytes(3)));
  if (random.chance(0.2)) spoilt.push(...frames);
  return spoilt;
}

function roundTrip(under: Codec, vector: PacketVector["packet"], meter: Meter): void {
  const packet = packetOf({ packet: vector });
  const before = packetText(packet);
  const encoded = meter.outcome(() => under.encode(packet), isUnencodable);
  check(packetText(packet) === before, "encoding changes what is given");
  if ("error" in encoded) return;
  const decoder = under.decoder();
  const frames = framesOf(encoded.ok);
  // What can be sent but not received: an app may emit it, and a peer with the same limits refuses it.
  const decoded = meter.outcome(() => frames.map((frame) => decoder.write(frame)), isLimit);
  if ("error" in decoded) return;
  const last = decoded.ok.at(-1);
  check(
    last !== undefined && packetText(last) === wireText(packet),
    "what is decoded is not what was encoded",
    () => [frames.map(frameVector), last && packetText(last), wireText(packet)],
  );
}

/** A stranger's frames: refused with a code, or what Socket.IO's own parser makes of them. */
function receive(frames: readonly Frame[], meter: Meter): void {
  const decoder = codec.decoder();
  const theirs = new StockDecoder();
  for (const [n, frame] of frames.entries()) {
    const ours = meter.outcome(() => decoder.write(frame), isCodecError);
    const other = theirs.write(frame);
    if ("error" in ours) {
      checkRefusal(ours.error as CodecError, other, frames.slice(0, n + 1));
      return;
    }
    // A refusal is one whatever stands in it; Socket.IO knows only some.
    if ("error" in other && ours.ok?.type === stock.PacketType.CONNECT_ERROR) return;
    check(!("error" in other), "Socket.IO refuses what is accepted", () => [
      frames.map(frameVector),
      String((other as { error: unknown }).error),
    ]);
    const [got, expected] = [ours.ok, other.ok].map((packet) => packet && packetText(packet));
    check(got === expected, "Socket.IO reads another packet", () => [frames.map(frameVector), got, expected]);
    if (ours.ok !== undefined) again(ours.ok, meter);
  }
}

/** What was received can be sent on, and arrives as the same. */
function again(packet: Packet, meter: Meter): void {
  const encoded = meter.outcome(() => codec.encode(packet), isUnencodable);
  if ("error" in encoded) return;
  const decoder = codec.decoder();
  const copy = framesOf(encoded.ok)
    .map((frame) => meter.time(() => decoder.write(frame)))
    .at(-1);
  check(copy !== undefined && packetText(copy) === packetText(packet), "it does not arrive as it came", () =>
    packetText(packet),
  );
}

/** Frames that Socket.IO itself would write are refused for a limit, or for a reason that docs/differences.md has. */
function checkRefusal(
  error: CodecError,
  other: ReturnType<StockDecoder["write"]>,
  frames: readonly Frame[],
): void {
  if (isLimit(error) || "error" in other || other.ok === undefined) return;
  if (STRICTER.some((words) => error.message.endsWith(words))) return;
  const canonical = tryEncode(bridge, other.ok);
  if (canonical === undefined) return;
  const written = JSON.stringify(framesOf(canonical).map(frameVector));
  check(
    written !== JSON.stringify(frames.slice(-framesOf(canonical).length).map(frameVector)),
    `refused, though Socket.IO writes it: ${error.message}`,
    () => written,
  );
}

const STRICTER = [
  "a bad acknowledgement id",
  "no id for an acknowledgement",
  "no message for CONNECT_ERROR",
  "no array for an event",
  "no array for an acknowledgement",
  "no object for CONNECT",
  "is reserved",
  "is no string or number",
  "data of a wrong kind",
];

/** Socket.IO's parser, and what it makes of the engine messages. */
class StockDecoder {
  readonly #decoder = new stock.Decoder();
  #decoded: StockPacket | undefined = undefined;

  constructor() {
    this.#decoder.on("decoded", (packet: StockPacket) => {
      this.#decoded = packet;
    });
  }

  write(frame: Frame): { ok: Packet | undefined } | { error: unknown } {
    this.#decoded = undefined;
    try {
      this.#decoder.add(typeof frame === "string" ? frame : Buffer.from(frame));
      return { ok: normal(this.#decoded) };
    } catch (error) {
      return { error };
    }
  }
}

/** What a CONNECT_ERROR says has a message here, whatever stands in it: a text is what servers of version 2 sent. */
function refusal(data: unknown): object {
  if (typeof data === "string") return { message: data };
  const isObject = typeof data === "object" && data !== null && !Array.isArray(data);
  const told: { message?: unknown } = isObject ? data : { data };
  return { ...told, message: typeof told.message === "string" ? told.message : "Refused" };
}

function normal(packet: StockPacket | undefined): Packet | undefined {
  if (packet === undefined) return undefined;
  const isBinary = packet.type >= stock.PacketType.BINARY_EVENT;
  const type = isBinary ? packet.type - 3 : packet.type;
  const data: unknown = type === 4 ? refusal(packet.data) : packet.data;
  return { ...packet, type, data } as unknown as Packet;
}

export function framesOf({ head, attachments }: EncodedPacket): Frame[] {
  return [typeof head === "string" ? head.slice(1) : head, ...attachments];
}

export function tryEncode(under: Codec, packet: Packet): EncodedPacket | undefined {
  try {
    return under.encode(packet);
  } catch (error) {
    if (isUnencodable(error)) return undefined;
    throw error;
  }
}

/** The packet as it is once JSON has had it: without -0, for one. */
export function wireText(packet: Packet): string {
  return packetText(packet);
}

export function isCodecError(error: unknown): boolean {
  return error instanceof CodecError;
}

export function isUnencodable(error: unknown): boolean {
  return error instanceof CodecError && error.code === "ERR_UNENCODABLE";
}

const LIMITS: ReadonlySet<string> = new Set([
  "ERR_PACKET_TOO_DEEP",
  "ERR_BAD_EVENT_NAME",
  "ERR_NAMESPACE_TOO_LONG",
  "ERR_TOO_MANY_ATTACHMENTS",
]);

export function isLimit(error: unknown): boolean {
  return error instanceof CodecError && LIMITS.has(error.code);
}
