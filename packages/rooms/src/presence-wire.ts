import { ClusterError } from "@sockeye/protocol";

// What nodes tell each other of who is in a room. PROTOCOL.md, "Between nodes", has the table.

/** A value as it was encoded. */
export type Head = string | Uint8Array;

/** What a socket of a node shows; without a tab: nothing any more. */
export interface Entry {
  readonly socket: string;
  /** Of the node's list, when it has changed. */
  readonly version: number;
  readonly tab:
    | { readonly key: string; readonly head: Head; readonly away: boolean; readonly turn: number }
    | undefined;
}

/** How much of a node's list is known. */
export interface Mark {
  readonly life: number;
  readonly version: number;
}

export type Said =
  /** "My list is at this version, and so much I know of yours." */
  | ({ readonly kind: "sync"; readonly known: ReadonlyMap<string, Mark> } & Mark)
  /** "I want what comes behind this version of your list." */
  | { readonly kind: "more"; readonly after: number }
  /** A part of a list that is at this version, in the order of the versions. */
  | ({ readonly kind: "page"; readonly after: number; readonly isLast: boolean } & Mark & Entries)
  /** What has changed with this version. */
  | ({ readonly kind: "change" } & Mark & Entries);

interface Entries {
  readonly entries: readonly Entry[];
}

const KINDS = ["sync", "more", "page", "change"] as const;
const MAX_NODES = 10_000;
const MAX_ENTRIES = 100_000;
const MAX_TEXT = 4_096;

export function writeSaid(said: Said): readonly unknown[] {
  const kind = KINDS.indexOf(said.kind);
  switch (said.kind) {
    case "sync": {
      const known = [...said.known].map(([node, { life, version }]) => [node, life, version]);
      return [kind, said.life, said.version, known];
    }
    case "more":
      return [kind, said.after];
    case "page":
      return [kind, said.life, said.version, said.entries.map(listOf), said.after, said.isLast];
    case "change":
      return [kind, said.life, said.version, said.entries.map(listOf)];
  }
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readSaid([kind, first, second, third, after, isLast]: readonly unknown[]): Said {
  if (kind === 1) return { kind: "more", after: count(first) };
  const mark = { life: count(first), version: count(second) };
  if (kind === 0) {
    const known = items(third, MAX_NODES).map((item): [string, Mark] => {
      const [node, life, version] = items(item, 3);
      return [text(node), { life: count(life), version: count(version) }];
    });
    return { kind: "sync", ...mark, known: new Map(known) };
  }
  const entries = items(third, MAX_ENTRIES).map(entry);
  if (kind === 2) return { kind: "page", ...mark, entries, after: count(after), isLast: isLast === true };
  if (kind !== 3 || mark.version === 0) throw noPresence();
  return { kind: "change", ...mark, entries };
}

function listOf({ socket, version, tab }: Entry): readonly unknown[] {
  return tab ? [socket, version, tab.key, tab.head, tab.away, tab.turn] : [socket, version];
}

function entry(value: unknown): Entry {
  const [socket, version, key, head, away, turn] = items(value, 6);
  const at = { socket: text(socket), version: count(version) };
  if (key === undefined) return { ...at, tab: undefined };
  if (typeof head !== "string" && !(head instanceof Uint8Array)) throw noPresence();
  return { ...at, tab: { key: text(key), head, away: away === true, turn: count(turn) } };
}

function items(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw noPresence();
  return value;
}

function text(value: unknown): string {
  if (typeof value !== "string" || value === "" || value.length > MAX_TEXT) throw noPresence();
  return value;
}

/** Others are counted on from it: it is never the last number that there is. */
function count(value: unknown): number {
  if (!Number.isSafeInteger(value) || (value as number) < 0 || (value as number) > 2 ** 52)
    throw noPresence();
  return value as number;
}

export function noPresence(why = "as presence it makes no sense"): ClusterError {
  return new ClusterError("ERR_CLUSTER_INPUT", `what came over the bus is not taken: ${why}`);
}
