import { deflateRawSync } from "node:zlib";
import * as ws from "ws";
import { DeflateExtension } from "../../../packages/transport/src/server/websocket/deflate-extension.js";
import {
  FrameReader,
  type FrameSink,
} from "../../../packages/transport/src/server/websocket/frame-reader.js";
import { cutAt, cutsOf, mutateBytes } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Meter, type Target, target } from "../target.js";
import { text } from "../values.js";

export const MAX_BYTES = 70_000;
const OPCODES = [0, 1, 1, 1, 2, 2, 8, 9, 10, 3, 11];

/** What a client writes after its handshake, and where the network cuts it. */
export interface WireInput {
  readonly bytes: string;
  readonly cuts: readonly number[];
  /** Was permessage-deflate agreed on? */
  readonly deflate: boolean;
}

export const extension: DeflateExtension = new DeflateExtension({
  maxPayload: MAX_BYTES,
  perMessageDeflate: true,
});

export const websocket: Target = target<WireInput>({
  name: "websocket",
  cases: 4_000,
  generate: (random) => {
    const deflate = random.chance(0.2);
    const valid = Buffer.concat(random.list(1 + random.below(5), () => message(random, deflate)).flat());
    const bytes = random.chance(0.4) ? valid : mutateBytes(random, valid);
    return { bytes: bytes.toString("base64"), cuts: cutsOf(random, bytes.length), deflate };
  },
  run: async ({ bytes, cuts, deflate }, meter) => {
    const whole = Buffer.from(bytes, "base64");
    const one = await read([whole], deflate, meter);
    const many = await read(cutAt(whole, cuts), deflate, meter);
    check(same(one, many), "pieces say something else than the whole", () => [one, many]);
    if (deflate) return;
    const theirs = await readByWs(whole);
    check(same(one, theirs), "the ws package reads something else", () => [one, theirs]);
  },
});

/** One message in one or more frames, now and then with a control frame between, or something out of order. */
export function message(random: Random, deflate: boolean): Buffer[] {
  const opcode = random.pick(OPCODES);
  if (opcode >= 8) return [frame(random, 0x80 | opcode, control(random, opcode))];
  const plain = random.chance(0.02)
    ? Buffer.alloc(MAX_BYTES - 20 + random.below(40), "x")
    : Buffer.from(text(random));
  const isPacked = deflate && random.chance(0.6);
  const payload = isPacked ? packed(plain) : plain;
  const pieces = random.chance(0.7) ? [payload] : cutAt(payload, cutsOf(random, payload.length).slice(0, 20));
  return pieces.flatMap((piece, n) => {
    const last = n === pieces.length - 1 ? 0x80 : 0;
    const first = n === 0 ? opcode | (isPacked ? 0x40 : 0) : 0;
    const ping = random.chance(0.1) ? [frame(random, 0x89, Buffer.from("p"))] : [];
    return [...ping, frame(random, last | first, piece)];
  });
}

function control(random: Random, opcode: number): Buffer {
  if (opcode !== 8) return random.bytes(random.below(random.chance(0.9) ? 20 : 130));
  const code = random.pick([999, 1000, 1001, 1004, 1005, 1006, 1011, 1015, 2999, 3000, 4999, 5000]);
  return Buffer.concat([Buffer.from([code >> 8, code & 255]), Buffer.from(text(random)).subarray(0, 120)]);
}

function packed(plain: Buffer): Buffer {
  return deflateRawSync(plain, { finishFlush: 2 }).subarray(0, -4);
}

function frame(random: Random, first: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = [first];
  if (length < 126) head.push(0x80 | length);
  else if (length < 65_536) head.push(0xfe, length >> 8, length & 255);
  else head.push(0xff, 0, 0, 0, 0, 0, length >> 16, (length >> 8) & 255, length & 255);
  const mask = random.chance(0.5) ? Buffer.alloc(4) : random.bytes(4);
  const masked = Buffer.from(payload).map((byte, at) => byte ^ (mask[at % 4] as number));
  return Buffer.concat([Buffer.from(head), mask, masked]);
}

export class Log implements FrameSink {
  readonly told: string[] = [];
  held = false;

  text(told: string): void {
    this.told.push(`text ${told}`);
  }
  binary(bytes: Buffer): void {
    this.told.push(`binary ${bytes.toString("hex")}`);
  }
  ping(bytes: Buffer): void {
    this.told.push(`ping ${bytes.toString("hex")}`);
  }
  goodbye(body: Buffer): void {
    this.told.push(`close ${body.toString("hex")}`);
  }
  violation(code: number): void {
    this.told.push(`violation ${code}`);
    this.held = false;
  }
  hold(held: boolean): void {
    this.held = held;
  }
}

async function read(chunks: readonly Buffer[], deflate: boolean, meter: Meter): Promise<string[]> {
  const log = new Log();
  const agreed = deflate ? extension.negotiate("permessage-deflate") : undefined;
  const inflater = typeof agreed === "object" ? agreed.inflater : undefined;
  const reader = new FrameReader(log, MAX_BYTES, inflater);
  for (const chunk of chunks) {
    // The reader writes into what it is given.
    meter.time(() => reader.read(Buffer.from(chunk)));
    while (log.held) await new Promise((resolve) => setImmediate(resolve));
  }
  return log.told;
}

/** The reader of the `ws` package. */
async function readByWs(bytes: Buffer): Promise<string[]> {
  const { Receiver } = ws as unknown as { Receiver: new (options: object) => import("node:stream").Writable };
  const receiver = new Receiver({ isServer: true, maxPayload: MAX_BYTES });
  const told: string[] = [];
  receiver.on("message", (data: Buffer, isBinary: boolean) =>
    told.push(isBinary ? `binary ${data.toString("hex")}` : `text ${data.toString()}`),
  );
  receiver.on("ping", (data: Buffer) => told.push(`ping ${data.toString("hex")}`));
  receiver.on("conclude", (code: number, reason: Buffer) => told.push(`close ${closeBody(code, reason)}`));
  receiver.on("error", (error) => {
    const values = Object.getOwnPropertySymbols(error).map((key) => Reflect.get(error, key) as unknown);
    told.push(`violation ${values.find((value) => typeof value === "number")}`);
  });
  receiver.write(Buffer.from(bytes));
  await new Promise((resolve) => setImmediate(resolve));
  return told;
}

function closeBody(code: number, reason: Buffer): string {
  return code === 1005 ? "" : code.toString(16).padStart(4, "0") + reason.toString("hex");
}

export function same(some: readonly string[], others: readonly string[]): boolean {
  return JSON.stringify(some) === JSON.stringify(others);
}
