import { readFileSync } from "node:fs";
import type { ErrorCode, Frame, Packet } from "@sockeye/protocol";

/** A frame as a transport carries it, envelope included: text, or bytes in base64. */
export type FrameVector = string | { readonly base64: string };

/** A Socket.IO packet and the frames that carry it. */
export interface PacketVector {
  readonly name: string;
  readonly direction: "both" | "to-server" | "to-client";
  /** True if an encoder must write exactly these frames; false if they are another legal spelling. */
  readonly canonical: boolean;
  readonly frames: readonly FrameVector[];
  /** In its data, `{"$base64": "…"}` stands for bytes. What is not there is `undefined`. */
  readonly packet: {
    readonly type: number;
    readonly nsp: string;
    readonly id?: number;
    readonly data?: unknown;
  };
}

/** Frames of which the last one, and no earlier one, must be refused with `error`. Default limits hold. */
export interface TrapVector {
  readonly name: string;
  readonly error: ErrorCode;
  readonly frames: readonly FrameVector[];
}

/** One frame and the engine packet that it is, or the error. */
export interface EngineVector {
  readonly name: string;
  readonly frame: FrameVector;
  readonly packet?: { readonly type: string; readonly data?: FrameVector };
  readonly error?: ErrorCode;
}

/** One polling body and the frames in it, or the error. */
export interface PayloadVector {
  readonly name: string;
  readonly body: string;
  readonly frames?: readonly FrameVector[];
  readonly error?: ErrorCode;
}

/** A frame of revision 3 of the engine protocol and the same frame in revision 4, or the error. */
export interface OlderFrameVector {
  readonly name: string;
  readonly frame: FrameVector;
  readonly revision4?: FrameVector;
  readonly error?: ErrorCode;
}

/** A polling body of revision 3, as text or bytes, and the frames in it as revision 4 has them, or the error. */
export interface OlderPayloadVector {
  readonly name: string;
  readonly body: FrameVector;
  readonly frames?: readonly FrameVector[];
  /** What writes just this body: `true` what is for clients that take bytes, `"base64"` what is for others. */
  readonly canonical?: boolean | "base64";
  readonly error?: ErrorCode;
}

/** A packet in MessagePack, its bytes in hexadecimal, or the error. */
export interface MsgpackVector {
  readonly name: string;
  readonly bytes: string;
  /** Must an encoder write exactly these bytes? */
  readonly canonical?: boolean;
  readonly packet?: PacketVector["packet"];
  readonly error?: ErrorCode;
}

interface Families {
  readonly packets: readonly PacketVector[];
  readonly traps: readonly TrapVector[];
  readonly "engine-frames": readonly EngineVector[];
  readonly payloads: readonly PayloadVector[];
  readonly "engine-frames-v3": readonly OlderFrameVector[];
  readonly "payloads-v3": readonly OlderPayloadVector[];
  readonly msgpack: readonly MsgpackVector[];
}

/** Reads one family of wire vectors; the files are in `packages/conformance/vectors`. */
export function readVectors<Family extends keyof Families>(family: Family): Families[Family] {
  const file = new URL(`../vectors/${family}.json`, import.meta.url);
  return JSON.parse(readFileSync(file, "utf8")) as Families[Family];
}

/** The frame that a vector stands for. */
export function frameOf(vector: FrameVector): Frame {
  return typeof vector === "string" ? vector : Buffer.from(vector.base64, "base64");
}

/** A frame as a vector, to compare two. */
export function frameVector(frame: Frame): FrameVector {
  return typeof frame === "string" ? frame : { base64: toBase64(frame) };
}

/** The packet that a vector stands for, with fresh data. */
export function packetOf(vector: Pick<PacketVector, "packet">): Packet {
  const { type, nsp, id, data } = vector.packet;
  const text = JSON.stringify(data) as string | undefined;
  return {
    type,
    nsp,
    id,
    data: text === undefined ? undefined : JSON.parse(text, bytesFromBase64),
  } as Packet;
}

/** A packet as JSON text in the vectors' way, to compare two. Bytes of any kind look the same. */
export function packetText(packet: Packet): string {
  const { type, nsp, id, data } = packet;
  return JSON.stringify({ type, nsp, id, data: plain(data) });
}

function bytesFromBase64(_key: string, value: unknown): unknown {
  return isObject(value) && typeof value["$base64"] === "string"
    ? Buffer.from(value["$base64"], "base64")
    : value;
}

/** Not by a replacer of `JSON.stringify`: a `Buffer` has a `toJSON`, which comes first. */
function plain(value: unknown): unknown {
  if (ArrayBuffer.isView(value)) {
    return { $base64: toBase64(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
  }
  if (value instanceof ArrayBuffer) return { $base64: toBase64(new Uint8Array(value)) };
  if (Array.isArray(value)) return value.map(plain);
  if (!isObject(value)) return value;
  // From entries, so that a key `__proto__` stays a key.
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, plain(item)]));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");
}
