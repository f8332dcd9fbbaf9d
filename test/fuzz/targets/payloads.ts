import { decodeFrame, messageText } from "@sockeye/codec";
import {
  decodePayload as decodePayload3,
  encodePayload as encodePayload3,
  encodeTextPayload as encodeTextPayload3,
} from "@sockeye/codec/eio3";
import { decodePayload, encodePayload } from "@sockeye/codec/payload";
import { type FrameVector, frameOf, frameVector } from "@sockeye/conformance";
import { EncodedPacket, type Frame, SockeyeError } from "@sockeye/protocol";
import * as stock from "engine.io-parser";
import { jsonpFormat } from "../../../packages/transport/src/server/http/jsonp.js";
import { PAYLOADS } from "../../../packages/transport/src/server/http/payload-format.js";
import { mutateBytes, mutateText } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Meter, type Target, target } from "../target.js";
import { text } from "../values.js";
import { isCodecError } from "./packets.js";

const LIMITS = { maxPacketsPerPayload: 500, maxMessageBytes: 1e6 };
const FORM = jsonpFormat("0", PAYLOADS.revision4);
const TOKENS = [
  "\x1e",
  "b",
  "b4",
  "4",
  "0",
  "1",
  "2probe",
  "3",
  "5",
  "6",
  "=",
  "==",
  "1:",
  "0:",
  "10:",
  ":",
  "9999999999:",
];

/** A polling body. */
interface PayloadInput {
  readonly body: FrameVector;
}

export const payloads: Target = target<PayloadInput>({
  name: "payloads",
  cases: 6_000,
  generate: (random) => {
    const body = encodePayload(packetsOf(random));
    return {
      body: random.chance(0.9)
        ? mutateText(random, body, TOKENS)
        : frameVector(mutateBytes(random, Buffer.from(body))),
    };
  },
  run: ({ body }, meter) => {
    if (typeof body === "string") receive(body, meter);
    else {
      const bytes = Buffer.from(frameOf(body));
      const field = Buffer.concat([Buffer.from("d="), bytes]);
      meter.outcome(() => PAYLOADS.revision4.decodeText(bytes, LIMITS), isSockeyeError);
      meter.outcome(() => FORM.decodeText(field, LIMITS), isSockeyeError);
    }
  },
});

export const olderPayloads: Target = target<PayloadInput>({
  name: "payloads-v3",
  cases: 6_000,
  generate: (random) => {
    const body = random.chance(0.5)
      ? encodeTextPayload3(packetsOf(random))
      : encodePayload3(packetsOf(random));
    return {
      body:
        typeof body === "string" ? mutateText(random, body, TOKENS) : frameVector(mutateBytes(random, body)),
    };
  },
  run: ({ body }, meter) => {
    const decoded = meter.outcome(() => decodePayload3(frameOf(body), LIMITS), isCodecError);
    if ("error" in decoded) return;
    for (const write of [encodePayload3, encodeTextPayload3]) {
      const copy = decodePayload3(write(asPackets(decoded.ok)), LIMITS);
      check(sameFrames(copy, decoded.ok), "frames do not arrive as they came", () =>
        decoded.ok.map(frameVector),
      );
    }
  },
});

function receive(body: string, meter: Meter): void {
  const decoded = meter.outcome(() => decodePayload(body, LIMITS), isCodecError);
  if ("error" in decoded) return;
  const frames = decoded.ok;
  check(frames.length > 0 && frames.length <= LIMITS.maxPacketsPerPayload, "a wrong number of frames");
  check(encodePayload(asPackets(frames)) === body, "the body of its frames is another one", () => body);
  const theirs = stock.decodePayload(body);
  for (const [n, frame] of frames.entries()) {
    const packet = meter.outcome(() => decodeFrame(frame), isCodecError);
    if ("error" in packet) return;
    const their = theirs[n];
    const { type, data = "" } = packet.ok;
    check(
      their?.type === type && sameFrames([data], [(their.data ?? "") as Frame]),
      "another parser reads another packet",
      () => [body, packet.ok, their],
    );
    if (typeof frame === "string")
      check(messageText(frame) === (type === "message" ? data : undefined), "not the text of the message");
  }
  check(theirs.length === frames.length, "another parser reads more packets");
}

function packetsOf(random: Random): EncodedPacket[] {
  return random.list(1 + random.size(), () => {
    const head = random.chance(0.7)
      ? `4${text(random).replaceAll("\x1e", "")}`
      : random.pick(["2", "3", "1", "6", "5", "2probe"]);
    return new EncodedPacket(head, random.chance(0.2) ? [random.bytes(random.size())] : []);
  });
}

export function asPackets(frames: readonly Frame[]): EncodedPacket[] {
  return frames.map((frame) => new EncodedPacket(frame));
}

/** Lone surrogates become U+FFFD in UTF-8, so only their number counts. */
export function sameFrames(some: readonly Frame[], others: readonly Frame[]): boolean {
  const plain = (frames: readonly Frame[]): string =>
    JSON.stringify(
      frames.map((frame) => (typeof frame === "string" ? Buffer.from(frame).toString() : frameVector(frame))),
    );
  return plain(some) === plain(others);
}

function isSockeyeError(error: unknown): boolean {
  return error instanceof SockeyeError;
}
