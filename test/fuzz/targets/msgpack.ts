import { createMsgpackCodec } from "@sockeye/codec/msgpack";
import { type PacketVector, packetOf, packetText } from "@sockeye/conformance";
import * as stock from "socket.io-msgpack-parser";
import { mutateBytes } from "../mutate.js";
import { check, type Meter, type Target, target } from "../target.js";
import { packet, text } from "../values.js";
import { isCodecError, isLimit, isUnencodable, tryEncode } from "./packets.js";

/** A packet to send, or the bytes of one frame. */
type MsgpackInput = { readonly packet: PacketVector["packet"] } | { readonly bytes: string };

const codec = createMsgpackCodec();

export const msgpack: Target = target<MsgpackInput>({
  name: "msgpack",
  cases: 6_000,
  generate: (random) => {
    const vector = packet(random);
    if (random.chance(0.3)) return { packet: vector };
    const sent = tryEncode(codec, packetOf({ packet: vector }));
    const bytes = sent === undefined ? Buffer.from(text(random)) : (sent.head as Uint8Array);
    return { bytes: mutateBytes(random, bytes).toString("base64") };
  },
  run: (input, meter) => {
    if ("packet" in input) roundTrip(input.packet, meter);
    else receive(Buffer.from(input.bytes, "base64"), meter);
  },
});

function roundTrip(vector: PacketVector["packet"], meter: Meter): void {
  const sent = packetOf({ packet: vector });
  const encoded = meter.outcome(() => codec.encode(sent), isUnencodable);
  if ("error" in encoded) return;
  const decoded = meter.outcome(() => codec.decoder().write(encoded.ok.head), isLimit);
  // Lone surrogates have no UTF-8: all become U+FFFD.
  if ("error" in decoded || /\\ud[89a-f]/.test(packetText(sent))) return;
  check(
    decoded.ok !== undefined && packetText(decoded.ok) === packetText(sent),
    "what is decoded is not what was encoded",
    () => decoded.ok,
  );
  // The other parser reads what ours writes, but for a key that it takes for the prototype.
  if (packetText(sent).includes("__proto__")) return;
  const theirs = readByStock(encoded.ok.head as Uint8Array);
  check(
    theirs === undefined || theirs === packetText(sent),
    "another parser reads another packet",
    () => theirs,
  );
}

function receive(bytes: Buffer, meter: Meter): void {
  const decoded = meter.outcome(() => codec.decoder().write(bytes), isCodecError);
  if ("error" in decoded || decoded.ok === undefined) return;
  const got = decoded.ok;
  const encoded = meter.outcome(() => codec.encode(got), isUnencodable);
  if ("error" in encoded) return;
  const copy = meter.time(() => codec.decoder().write(encoded.ok.head));
  check(copy !== undefined && packetText(copy) === packetText(got), "it does not arrive as it came", () =>
    packetText(got),
  );
}

function readByStock(bytes: Uint8Array): string | undefined {
  const decoder = new stock.Decoder();
  let read: string | undefined;
  decoder.on("decoded", (got: { type: number; nsp: string; id?: number; data?: unknown }) => {
    read = packetText({ ...got, id: got.id } as never);
  });
  try {
    decoder.add(Buffer.from(bytes));
  } catch {
    // It does not take every packet: CONNECT_ERROR of older servers, data that is null.
  }
  return read;
}
