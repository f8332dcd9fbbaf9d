import type { Codec, Decoder, Frame, Limits, Packet } from "@sockeye/protocol";
import { DEFAULT_LIMITS, EncodedPacket, PacketType } from "@sockeye/protocol";
import type { ReceivedBytes } from "./bytes.js";
import { platformBytes } from "./bytes.js";
import type { MsgpackRules } from "./msgpack-reader.js";
import { outlineOf, readMsgpack } from "./msgpack-reader.js";
import { writeMsgpack } from "./msgpack-writer.js";
import { oversized, packetFrom } from "./packet-from.js";
import { malformed } from "./text.js";
import { unencodable } from "./unencodable.js";
import { wirePacket } from "./wire-data.js";

/** The packet itself is one level more than its data. */
const ENVELOPE_LEVELS = 1;

/**
 * Packets as MessagePack, one binary frame each, attachments included: the format of `socket.io-msgpack-parser`. Give it to
 * both ends as the option `parser`. Dates and `undefined` arrive as what they were.
 *
 * @param limits what differs from `DEFAULT_LIMITS`
 * @param received what the app gets for received bytes: by default a `Buffer` on Node, an `ArrayBuffer` in a browser
 */
export function createMsgpackCodec(limits?: Partial<Limits>, received: ReceivedBytes = platformBytes): Codec {
  return new MsgpackCodec({ ...DEFAULT_LIMITS, ...limits }, received);
}

class MsgpackCodec implements Codec {
  readonly #limits: Limits;
  readonly #rules: MsgpackRules;

  constructor(limits: Limits, received: ReceivedBytes) {
    this.#limits = limits;
    this.#rules = { levels: limits.maxJsonDepth + ENVELOPE_LEVELS, received };
  }

  encode(packet: Packet, compress = true): EncodedPacket {
    try {
      const bytes = writeMsgpack(wirePacket(packet), this.#rules.levels);
      return new EncodedPacket(bytes, undefined, compress);
    } catch (error) {
      throw unencodable(error, packet, this.#limits.maxJsonDepth);
    }
  }

  decoder(): Decoder {
    return { write: (frame) => this.#decode(frame) };
  }

  #decode(frame: Frame): Packet {
    if (typeof frame === "string") throw malformed("text where MessagePack must come");
    const { maxAuthBytes } = this.#limits;
    // Only what is large is looked at twice.
    const connect = frame.length > maxAuthBytes ? outlineOf(frame, this.#rules) : undefined;
    if (connect?.["type"] === PacketType.CONNECT && Number(connect["data"]) > maxAuthBytes) {
      return oversized(packetFrom({ ...connect, data: undefined }, this.#limits));
    }
    return packetFrom(readMsgpack(frame, this.#rules), this.#limits);
  }
}
