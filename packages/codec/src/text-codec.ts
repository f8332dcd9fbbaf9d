import type { Codec, Decoder, Frame, Limits, Packet, PacketLimits } from "@sockeye/protocol";
import { CodecError, DEFAULT_LIMITS, EncodedPacket, PacketType } from "@sockeye/protocol";
import { needsTaking, TOO_DEEP, takeBytes } from "./attachments.js";
import type { ReceivedBytes } from "./bytes.js";
import { platformBytes } from "./bytes.js";
import { isDeeperThan } from "./depth.js";
import { message } from "./envelope.js";
import { writeArray } from "./json.js";
import { badAttachment, Slots } from "./slots.js";
import type { Header, JsonRules, Measures } from "./text.js";
import { isBinaryType, malformed, readHeader, readJson, writeHeader } from "./text.js";
import { unencodable } from "./unencodable.js";
import { eventData, packetOf } from "./validate.js";
import { controlData, wireArguments } from "./wire-data.js";

const OPEN_ARRAY = 0x5b;
const OPEN_OBJECT = 0x7b;
const QUOTE = 0x22;
const EVENT_DIGIT = 0x32;
const NO_LIMIT = Number.POSITIVE_INFINITY;

/** JSON of more characters is not kept as objects while attachments are missing: those can be twenty times as large. */
const MAX_KEPT_JSON = 4096;

/**
 * Socket.IO's own packet format: JSON text, bytes as attachments.
 *
 * @param limits what differs from `DEFAULT_LIMITS`
 * @param received what the app gets for received bytes: by default a `Buffer` on Node, an `ArrayBuffer` in a browser
 */
export function createTextCodec(
  limits?: Partial<Limits>,
  received: ReceivedBytes = platformBytes,
  { accepted, guard }: Peer = {},
): Codec {
  const all = { ...DEFAULT_LIMITS, ...limits };
  const cut = guard && ((text: string, header: Header) => guard(text, header, all));
  return new TextCodec({ limits: all, isTooDeep: isDeeperThan, received, guard: cut }, accepted ?? all);
}

/**
 * The same for clients. Bundles of it hold none of the checks that are made against strangers.
 *
 * @param limits those of what comes in, all of them beyond reach
 * @param accepted what the server accepts, looked at with each packet
 */
export function createTrustingCodec(limits: Measures, accepted: PacketLimits): Codec {
  const rules = { limits, isTooDeep: undefined, received: platformBytes, guard: undefined };
  return new TextCodec(rules, accepted);
}

/** What is known of the peer. */
export interface Peer {
  /** What it accepts, looked at with each packet. Default: the same limits. */
  readonly accepted?: PacketLimits | undefined;
  /** Only for servers: bounds what strangers say of themselves. */
  readonly guard?: Guard | undefined;
}

/** Looks at a packet before its JSON is read. What it returns is taken in place of the packet. */
export type Guard = (text: string, header: Header, limits: Limits) => Packet | undefined;

/** What a codec and all its decoders share. */
interface Rules extends JsonRules {
  readonly received: ReceivedBytes;
  readonly guard: ((text: string, header: Header) => Packet | undefined) | undefined;
}

class TextCodec implements Codec {
  readonly #rules: Rules;
  readonly #accepted: PacketLimits;

  constructor(rules: Rules, accepted: PacketLimits) {
    this.#rules = rules;
    this.#accepted = accepted;
  }

  encode(packet: Packet, compress = true): EncodedPacket {
    try {
      return packet.type === PacketType.EVENT || packet.type === PacketType.ACK
        ? this.#encodeArguments(packet, wireArguments(packet), compress)
        : encodeControl(packet, compress, this.#accepted);
    } catch (error) {
      throw unencodable(error, packet, this.#accepted.maxJsonDepth ?? NO_LIMIT);
    }
  }

  #encodeArguments(packet: Packet, data: readonly unknown[], compress: boolean): EncodedPacket {
    const { maxJsonDepth: levels = NO_LIMIT, maxAttachments = NO_LIMIT } = this.#accepted;
    if (!needsTaking(data, levels)) {
      return new EncodedPacket(message(writeHeader(packet, 0) + writeArray(data)), undefined, compress);
    }
    const taken = takeBytes(data, levels);
    if (taken.attachments.length > maxAttachments) {
      throw new CodecError(
        "ERR_TOO_MANY_ATTACHMENTS",
        `an event holds ${taken.attachments.length} pieces of bytes, more than ${maxAttachments}: put them together`,
      );
    }
    const head = writeHeader(packet, taken.attachments.length) + taken.json;
    return new EncodedPacket(message(head), taken.attachments, compress);
  }

  withOffset({ head, attachments, compress }: EncodedPacket, offset: string): EncodedPacket {
    // Behind the last argument stands the bracket that ends them, and behind that nothing. An offset needs no escapes.
    return new EncodedPacket(`${String(head).slice(0, -1)},"${offset}"]`, attachments, compress);
  }

  decoder(): Decoder {
    return new TextPacketDecoder(this.#rules);
  }
}

/** Packets of the library itself, which carry no bytes. */
function encodeControl(packet: Packet, compress: boolean, accepted: PacketLimits): EncodedPacket {
  const header = writeHeader(packet, 0);
  const data = controlData(packet);
  // `undefined` if the app's own `toJSON` says so.
  const json: string | undefined = data === undefined ? undefined : JSON.stringify(data);
  // What `auth` holds; of a refusal only text is needed.
  if (packet.type === PacketType.CONNECT && json && isDeeperThan(json, accepted.maxJsonDepth ?? NO_LIMIT)) {
    throw new CodecError("ERR_UNENCODABLE", TOO_DEEP);
  }
  return new EncodedPacket(message(json === undefined ? header : header + json), undefined, compress);
}

/** A binary packet, and the places of its attachments. */
interface Binary {
  readonly packet: Packet;
  readonly slots: Slots;
}

/** A binary packet whose attachments are on their way. */
interface Pending {
  readonly header: Header;
  readonly text: string;
  /** Left out: the text is read once more when all is there. */
  readonly made: Binary | undefined;
  readonly attachments: unknown[];
  /** Of the JSON and of the attachments that have come. */
  bytes: number;
  /** What is due was due at the last heartbeat. */
  late: boolean;
}

class TextPacketDecoder implements Decoder {
  readonly #rules: Rules;
  #pending: Pending | undefined;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  write(text: Frame): Packet | undefined {
    if (typeof text !== "string") return this.#takeAttachment(text);
    if (this.#pending !== undefined) throw badAttachment("an attachment is missing");
    const rules = this.#rules;
    const { limits } = rules;
    // Nearly all packets: an event on the main namespace that wants no acknowledgement.
    if (text.charCodeAt(0) === EVENT_DIGIT && text.charCodeAt(1) === OPEN_ARRAY) {
      const data = eventData(readJson(text, 1, rules), limits);
      return { type: PacketType.EVENT, nsp: "/", id: undefined, data };
    }
    const header = readHeader(text, limits);
    const cut = rules.guard?.(text, header);
    if (cut !== undefined) return cut;
    if (!isBinaryType(header.type)) return packetOf(header, readData(text, header.end, rules), limits);
    // Whatever is wrong with it is noticed now, also if it is read once more.
    const made = readBinary(text, header, rules);
    this.#pending = {
      header,
      text,
      made: text.length > MAX_KEPT_JSON ? undefined : made,
      attachments: [],
      bytes: 0,
      late: false,
    };
    this.#count(this.#pending, text.length - header.end);
    return undefined;
  }

  get waitingBytes(): number {
    return this.#pending?.bytes ?? 0;
  }

  overdue(): boolean {
    if (this.#pending === undefined) return false;
    if (this.#pending.late) return true;
    this.#pending.late = true;
    return false;
  }

  close(): void {
    this.#pending = undefined;
  }

  #takeAttachment(bytes: Uint8Array): Packet | undefined {
    const pending = this.#pending;
    if (pending === undefined) throw badAttachment("an attachment is unexpected");
    pending.late = false;
    this.#count(pending, bytes.length);
    const { header, attachments, text } = pending;
    attachments.push(this.#rules.received(bytes));
    if (attachments.length < header.attachments) return undefined;
    this.#pending = undefined;
    const { packet, slots } = pending.made ?? readBinary(text, header, this.#rules);
    for (const attachment of attachments) slots.fill(attachment);
    return packet;
  }

  #count(pending: Pending, bytes: number): void {
    pending.bytes += bytes;
    if (pending.bytes > this.#rules.limits.maxBinaryEventBytes) {
      throw new CodecError("ERR_BINARY_EVENT_TOO_LARGE", "a packet and its attachments are too large");
    }
  }
}

/** A packet with placeholders. Fresh from the parser and shared with nobody, so it may be filled in place. */
function readBinary(text: string, header: Header, rules: Rules): Binary {
  const packet = packetOf(header, readData(text, header.end, rules), rules.limits);
  return { packet, slots: new Slots(packet.data as unknown[], header.attachments) };
}

/** The JSON of a packet, or `undefined` if there is none. It may begin in three ways only; space is none of them. */
function readData(text: string, from: number, rules: Rules): unknown {
  if (from === text.length) return undefined;
  const first = text.charCodeAt(from);
  if (first !== OPEN_ARRAY && first !== OPEN_OBJECT && first !== QUOTE)
    throw malformed("data of a wrong kind");
  return readJson(text, from, rules);
}
