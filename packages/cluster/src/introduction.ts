import { readMsgpack, writeMsgpack } from "@sockeye/codec/msgpack";
import { isNodeId } from "./frame.js";
import type { NodeFacts, NodeLoad } from "./membership.js";
import { badInput } from "./wire.js";

// What nodes say of themselves, as MessagePack. It comes from others, and is unknown until it was looked at.

/** A node that comes, or answers one that does. */
export interface Introduction {
  readonly facts: NodeFacts;
  readonly load: NodeLoad;
  /** The oldest and the newest version of the bus protocol that it speaks. */
  readonly versions: readonly [oldest: number, newest: number];
  /** How it writes packets: other bytes are another parser. */
  readonly codec: string;
  /** Has it its tag for good? One that has not gives way. */
  readonly settled: boolean;
  /** In an answer: the last message of each numbered topic that the other hears. There was none of a topic that is left out. */
  readonly numbers: TopicNumbers | undefined;
}

export type TopicNumbers = ReadonlyMap<string, number>;

/** More than any client may send (`maxJsonDepth`): what one answers, within the levels of ours, must not spoil the answers of others. */
const LEVELS = 1000;
const MAX_TEXT = 512;
/** Topics in one answer; where there are more, it says nothing of them. */
export const MAX_NUMBERS = 1_000;
const TAG = /^[\w-]{4}$/;

/** @throws CodecError `ERR_UNENCODABLE` */
export function pack(value: unknown): Uint8Array {
  return writeMsgpack(value, LEVELS);
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function unpack(bytes: Uint8Array): unknown {
  try {
    return readMsgpack(bytes, { levels: LEVELS, received: (part) => Buffer.from(part) });
  } catch (error) {
    throw badInput("no MessagePack", error);
  }
}

export function packIntroduction(said: Introduction): Uint8Array {
  const { id, tag, name, address, key } = said.facts;
  const { sessions, draining } = said.load;
  const { versions, codec, settled, numbers } = said;
  const pairs = numbers ? [...numbers] : null;
  return pack([versions, id, tag, name, address ?? null, key, codec, sessions, draining, settled, pairs]);
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readIntroduction(body: Uint8Array, origin: string): Introduction {
  const list = listOf(unpack(body));
  const [versions, id, tag, name, address, key, codec, sessions, draining, settled, numbers] = list;
  if (!isNodeId(id) || id !== origin) throw badInput("a node speaks for another");
  if (!isText(tag) || !TAG.test(tag)) throw badInput("no tag");
  if (!isText(name) || !isText(key) || !isText(codec)) throw badInput("no introduction");
  if (address !== null && !isText(address)) throw badInput("no address");
  if (!Array.isArray(versions) || !versions.every(Number.isInteger) || versions.length !== 2)
    throw badInput("no versions");
  const [oldest, newest] = versions as [number, number];
  const facts: NodeFacts = { id, tag, name, address: address ?? undefined, key };
  return {
    facts,
    load: loadOf(sessions, draining),
    versions: [oldest, newest],
    codec,
    settled: settled === true,
    numbers: numbersOf(numbers),
  };
}

/** A node of before there were any says nothing. */
function numbersOf(value: unknown): TopicNumbers | undefined {
  if (value === undefined || value === null) return undefined;
  const pairs = listOf(value);
  if (pairs.length > MAX_NUMBERS) throw badInput("too many numbers");
  return new Map(
    pairs.map((pair) => {
      const [topic, seq] = listOf(pair);
      if (typeof topic !== "string" || !isCount(seq)) throw badInput("no number");
      return [topic, seq];
    }),
  );
}

export function packLoad({ sessions, draining }: NodeLoad): Uint8Array {
  return pack([sessions, draining]);
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readLoad(body: Uint8Array): NodeLoad {
  const [sessions, draining] = listOf(unpack(body));
  return loadOf(sessions, draining);
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function listOf(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw badInput("no list");
  return value;
}

function loadOf(sessions: unknown, draining: unknown): NodeLoad {
  if (!isCount(sessions) || typeof draining !== "boolean") throw badInput("no load");
  return { sessions, draining };
}

export function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): value is string {
  return typeof value === "string" && value.length <= MAX_TEXT;
}
