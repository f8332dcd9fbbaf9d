import { ChunkFrameDecoder, encodeChunkFrames } from "@sockeye/codec/chunk-frames";
import { frameVector } from "@sockeye/conformance";
import { CodecError, EncodedPacket, type Frame } from "@sockeye/protocol";
import { LineDecoder } from "../../../packages/transport/src/client/escaped-payload.js";
import { decodeChunkBody } from "../../../packages/transport/src/server/http/chunk-body.js";
import { encodeEscapedPayload } from "../../../packages/transport/src/server/http/escaped-payload.js";
import { cutAt, cutsOf, mutateBytes } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Meter, type Target, target } from "../target.js";
import { text } from "../values.js";
import { isCodecError } from "./packets.js";
import { asPackets, sameFrames } from "./payloads.js";

const MAX_BYTES = 70_000;
const LIMITS = { maxMessageBytes: MAX_BYTES, maxPacketsPerPayload: 1000 };

/** A stream, and where it is cut. */
export interface StreamInput {
  readonly bytes: string;
  readonly cuts: readonly number[];
}

/** Frames with their length in front. */
export const chunks: Target = target<StreamInput>({
  name: "chunks",
  cases: 4_000,
  generate: (random) => {
    const valid = encodeChunkFrames(packetsOf(random));
    return cutUp(random, random.chance(0.3) ? valid : mutateBytes(random, valid));
  },
  run: ({ bytes, cuts }, meter) => {
    const whole = Buffer.from(bytes, "base64");
    const one = readAll([whole], meter);
    const many = readAll(cutAt(whole, cuts), meter);
    check(
      one.error === many.error && one.pending === many.pending,
      "pieces end otherwise than the whole",
      () => [one, many],
    );
    if (one.error === undefined)
      check(sameFrames(one.frames, many.frames), "pieces hold other frames than the whole");
    const body = meter.outcome(() => decodeChunkBody(whole, LIMITS), isCodecError);
    if ("error" in body) return;
    check(sameFrames(body.ok, one.frames), "the body holds other frames than the stream");
    const copy = encodeChunkFrames(asPackets(body.ok));
    check(
      body.ok.length === 0 || sameFrames(decodeChunkBody(copy, LIMITS), body.ok),
      "frames do not arrive as they came",
    );
  },
});

/** Lines of escaped payloads, as `stream` with `b64=1` and `sse` have them. */
export const lines: Target = target<StreamInput>({
  name: "lines",
  cases: 4_000,
  generate: (random) => {
    const written = random.list(1 + random.below(4), () => `${encodeEscapedPayload(packetsOf(random))}\n`);
    const valid = Buffer.from(`${" ".repeat(random.below(30))}\n${written.join("")}`);
    return cutUp(random, random.chance(0.3) ? valid : mutateBytes(random, valid));
  },
  run: ({ bytes, cuts }, meter) => {
    const whole = Buffer.from(bytes, "base64");
    const [one, many] = [readLines([whole], meter), readLines(cutAt(whole, cuts), meter)];
    check((one === undefined) === (many === undefined), "pieces end otherwise than the whole");
    if (one === undefined || many === undefined) return;
    check(sameFrames(one, many), "pieces hold other frames than the whole");
    if (one.length === 0) return;
    const copy = readLines([Buffer.from(`${encodeEscapedPayload(asPackets(one))}\n`)], meter);
    check(copy !== undefined && sameFrames(copy, one), "frames do not arrive as they came", () =>
      one.map(frameVector),
    );
  },
});

function cutUp(random: Random, bytes: Uint8Array): StreamInput {
  return { bytes: Buffer.from(bytes).toString("base64"), cuts: cutsOf(random, bytes.length) };
}

function packetsOf(random: Random): EncodedPacket[] {
  return random.list(1 + random.below(5), () => {
    if (random.chance(0.02)) return new EncodedPacket(`4${"x".repeat(65_500 + random.below(100))}`);
    // Not empty: that is padding.
    const head = random.chance(0.6) ? `4${text(random).replaceAll("\x1e", "")}` : random.bytes(random.size());
    return new EncodedPacket(head);
  });
}

interface Read {
  readonly frames: Frame[];
  readonly error: string | undefined;
  readonly pending: boolean;
}

function readAll(pieces: readonly Uint8Array[], meter: Meter): Read {
  const decoder = new ChunkFrameDecoder(MAX_BYTES);
  const frames: Frame[] = [];
  for (const piece of pieces) {
    const read = meter.outcome(() => decoder.write(piece), isCodecError);
    if ("error" in read) return { frames, error: (read.error as CodecError).code, pending: false };
    frames.push(...read.ok);
  }
  return { frames, error: undefined, pending: decoder.pending };
}

function readLines(pieces: readonly Uint8Array[], meter: Meter): Frame[] | undefined {
  const decoder = new LineDecoder();
  const frames: Frame[] = [];
  for (const piece of pieces) {
    const read = meter.outcome(() => decoder.write(piece), isExpected);
    if ("error" in read) return undefined;
    frames.push(...read.ok);
  }
  return frames;
}

/** What the decoder says that it throws. */
function isExpected(error: unknown): boolean {
  return error instanceof CodecError || error instanceof URIError || error instanceof TypeError;
}
