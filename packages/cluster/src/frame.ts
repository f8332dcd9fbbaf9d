import { createHmac, timingSafeEqual } from "node:crypto";
import { ByteReader, ByteWriter, badInput, concat } from "./wire.js";

/** The one version of the bus protocol that there is; the first byte of every frame. */
export const VERSION = 1;

/** What a message is about; its first byte. Unknown kinds are ignored: a newer node may send them. */
export const Kind = {
  HELLO: 1,
  HERE: 2,
  BEAT: 3,
  BYE: 4,
  GAP: 5,
  EVENT: 6,
  ACT: 7,
  ASK: 8,
  ANSWER: 9,
  FENCE: 10,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

/** A node's id: six random bytes as text, new with each start. */
const NODE_ID = /^[\w-]{8}$/;
const ID_BYTES = 8;
const MAC_BYTES = 16;

export function isNodeId(value: unknown): value is string {
  return typeof value === "string" && NODE_ID.test(value);
}

/** One message: its place among all of its node, its kind, and what that kind says. */
export interface Message {
  readonly seq: number;
  /** The number of the node's message before it on this topic; 0 if topics of this sort are not numbered, or there was none. */
  readonly previous: number;
  readonly kind: number;
  readonly body: Uint8Array;
}

/** Messages of one turn for one topic. */
export interface BusFrame {
  readonly origin: string;
  readonly messages: readonly Message[];
}

/** Writes and reads frames, signed if the cluster has a secret. */
export class FrameFormat {
  readonly #head: Uint8Array;
  readonly #secret: string | undefined;

  constructor(origin: string, secret: string | undefined) {
    this.#head = Uint8Array.from([VERSION, ...Buffer.from(origin, "latin1")]);
    this.#secret = secret;
  }

  /** How much a message grows by in a frame of its own, at most. */
  static readonly OVERHEAD: number = 1 + ID_BYTES + MAC_BYTES;

  message({ seq, previous, kind, body }: Message): Uint8Array {
    return new ByteWriter().varint(seq).varint(previous).byte(kind).bytes(body).finish();
  }

  frame(topic: string, messages: readonly Uint8Array[]): Uint8Array {
    const parts = [this.#head, ...messages];
    return this.#secret === undefined ? concat(parts) : this.#signed(topic, concat(parts), this.#secret);
  }

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  read(topic: string, bytes: Uint8Array): BusFrame {
    const reader = new ByteReader(this.#secret === undefined ? bytes : verified(topic, bytes, this.#secret));
    const version = reader.byte();
    if (version !== VERSION) throw badInput(`version ${version}`);
    const origin = Buffer.from(reader.raw(ID_BYTES)).toString("latin1");
    if (!isNodeId(origin)) throw badInput("no node's id");
    const messages: Message[] = [];
    while (!reader.atEnd) {
      const [seq, previous] = [reader.varint(), reader.varint()];
      messages.push({ seq, previous, kind: reader.byte(), body: reader.bytes() });
    }
    return { origin, messages };
  }

  /** Whose is a frame, without a look at the rest? For this node's own, which come back. */
  isOwn(bytes: Uint8Array): boolean {
    for (let at = 0; at < this.#head.length; at++) if (bytes[at] !== this.#head[at]) return false;
    return true;
  }

  #signed(topic: string, frame: Uint8Array, secret: string): Uint8Array {
    return concat([frame, mac(topic, frame, secret)]);
  }
}

function verified(topic: string, bytes: Uint8Array, secret: string): Uint8Array {
  const end = bytes.length - MAC_BYTES;
  if (end < 0) throw badInput("not signed");
  const frame = bytes.subarray(0, end);
  if (!timingSafeEqual(mac(topic, frame, secret), bytes.subarray(end)))
    throw badInput("signed with another secret");
  return frame;
}

function mac(topic: string, frame: Uint8Array, secret: string): Uint8Array {
  return createHmac("sha256", secret).update(`${topic}\0`).update(frame).digest().subarray(0, MAC_BYTES);
}
