import { readClaim } from "../../../packages/transport/src/server/request/claim.js";
import {
  FrameReader,
  type FrameSink,
} from "../../../packages/transport/src/server/websocket/frame-reader.js";
import { cutAt, cutsOf, mutateBytes } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Target, target } from "../target.js";

const FIRST_BYTES = 8192;
const ALL_BYTES = 100_000;
const CLAIM = { sid: "A".repeat(20), secret: "B".repeat(22), received: 7 };

/** What a stranger writes on a WebSocket that is to bring a claim, and where the network cuts it. */
interface ClaimInput {
  readonly bytes: string;
  readonly cuts: readonly number[];
  /** Is a claim granted, or refused as all others? */
  readonly grants: boolean;
}

export const claims: Target = target<ClaimInput>({
  name: "claims",
  cases: 2_000,
  generate: (random) => {
    const valid = Buffer.concat([
      ...first(random),
      ...random.list(random.below(4), () => later(random)).flat(),
    ]);
    const bytes = random.chance(0.5) ? valid : mutateBytes(random, valid);
    return {
      bytes: bytes.toString("base64"),
      cuts: cutsOf(random, bytes.length),
      grants: random.chance(0.5),
    };
  },
  run: async ({ bytes, cuts, grants }) => {
    const whole = Buffer.from(bytes, "base64");
    const one = read([whole], grants);
    const many = read(cutAt(whole, cuts), grants);
    check(JSON.stringify(one) === JSON.stringify(many), "pieces say something else than the whole", () => [
      one,
      many,
    ]);
    check(
      one.filter((line) => line === "granted" || line === "refused").length <= 1,
      "decided twice",
      () => one,
    );
    const at = one.indexOf("refused");
    // Once it is refused nothing is told but the peer's own close frame, or that it has broken the protocol there.
    const after = at < 0 ? [] : one.slice(at + 1);
    check(
      after.every((line) => /^(goodbye|violation)/.test(line)),
      "heard after the refusal",
      () => one,
    );
  },
});

/** The first message: a claim, half of one, too much of one, or something else. */
function first(random: Random): Buffer[] {
  const text = `0${JSON.stringify(CLAIM)}`;
  const payload = Buffer.from(
    random.pick([
      text,
      text,
      text.slice(0, random.below(text.length)),
      text.padEnd(FIRST_BYTES + random.below(3) - 1),
      "0{}",
      "2probe",
    ]),
  );
  if (random.chance(0.6)) return [frame(0x81, payload)];
  const pieces = cutAt(payload, cutsOf(random, payload.length).slice(0, 5));
  return pieces.flatMap((piece, n) => [
    frame((n === 0 ? 1 : 0) | (n === pieces.length - 1 ? 0x80 : 0), piece),
    ...(random.chance(0.2) ? [frame(0x89, Buffer.from("p"))] : []),
  ]);
}

/** What follows it. */
function later(random: Random): Buffer[] {
  const size = random.pick([0, 5, 125, 126, 70_000]);
  return [random.chance(0.3) ? frame(0x88, Buffer.from([3, 232])) : frame(0x82, Buffer.alloc(size, 0x88))];
}

function frame(head: number, payload: Buffer): Buffer {
  const { length } = payload;
  const size = length < 126 ? 2 : length < 0x10000 ? 4 : 10;
  const bytes = Buffer.alloc(size + 4);
  bytes[0] = head;
  bytes[1] = 0x80 | (size === 2 ? length : size === 4 ? 126 : 127);
  if (size === 4) bytes.writeUInt16BE(length, 2);
  if (size === 10) bytes.writeUInt32BE(length, 6);
  return Buffer.concat([bytes, payload]);
}

/** What is heard, in order. */
function read(chunks: readonly Buffer[], grants: boolean): string[] {
  const heard: string[] = [];
  let decided = false;
  const decide = (message: string | undefined): void => {
    decided = true;
    const granted = grants && readClaim(message) !== undefined;
    heard.push(granted ? "granted" : "refused");
    if (granted) reader.allow(ALL_BYTES);
    else reader.expectClose();
  };
  const sink: FrameSink = {
    text: (message) => (decided ? void heard.push(`text ${message.length}`) : decide(message)),
    binary: (message) => (decided ? void heard.push(`binary ${message.length}`) : decide(undefined)),
    ping: () => {},
    goodbye: (body) => void heard.push(`goodbye ${body.toString("hex")}`),
    violation: (code) => void heard.push(`violation ${code}`),
  };
  const reader = new FrameReader(sink, FIRST_BYTES);
  for (const chunk of chunks) reader.read(Buffer.from(chunk));
  return heard;
}
