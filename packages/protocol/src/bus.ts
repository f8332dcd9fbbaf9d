import type { SockeyeError } from "./errors.js";

/**
 * Carries bytes between the nodes of a cluster, over an engine that exists. It knows no rooms, packets or sessions. Each node has one.
 *
 * A topic is a text. What stands in its first pair of braces names its *group*: of one node's messages within a group nothing overtakes.
 * A message is delivered at most once, to all that have subscribed, the sender included: by its own messages a node knows that it hears.
 */
export interface Bus {
  /** Bytes of the largest message that it takes. */
  readonly maxBytes: number;
  /** `all`: nothing of one node overtakes at all. `group`: nothing within a group. */
  readonly order: "all" | "group";
  /** Are all nodes processes of this machine? */
  readonly local: boolean;
  /**
   * Begins. Resolves once messages can come; rejects if that can never be. Afterwards it comes back by itself, with what was subscribed
   * to, and tells of that. What is subscribed to before holds from the beginning.
   */
  open(sink: BusSink): Promise<void>;
  /** Never waits and never throws. Only called while it is up; what it has not written when it goes down may be lost. */
  publish(topic: string, bytes: Uint8Array): void;
  /** In force once {@link BusSink.subscribed} says so. Of what is subscribed to already it is said again. */
  subscribe(topics: readonly string[]): void;
  unsubscribe(topics: readonly string[]): void;
  /** Only of engines that notice the end of a node at once: they publish this for a node that has died. */
  will?(topic: string, bytes: Uint8Array): void;
  /** Nothing is heard any more, not even this node's own messages: reconnects. Tells {@link BusSink.down} first. */
  restart(): void;
  /** What was published has left, and nothing more is told. */
  close(): Promise<void>;
  /** Only of engines that can keep what was said. */
  readonly log?: BusLog | undefined;
  /** Only of engines that can keep values under keys. */
  readonly records?: BusRecords | undefined;
}

/** A place in the log of a group. Numbers mean something within one epoch only: a log that was lost has another one. */
export interface Position {
  /** Eight characters of base64url. */
  readonly epoch: string;
  readonly number: number;
}

/** What is to be kept and told. */
export interface LogEntry {
  /** It is kept under the first, and told by all of them. All are of one group. */
  readonly topics: readonly string[];
  readonly bytes: Uint8Array;
}

/** Entries that a node adds together. */
export interface LogBatch {
  /** Who adds them: any text without spaces. */
  readonly writer: string;
  /** Counts the writer's batches in this group, from 1. */
  readonly number: number;
  readonly entries: readonly LogEntry[];
  /** An entry may be forgotten after so many milliseconds, or once so many newer ones are kept. */
  readonly keep: { readonly ms: number; readonly entries: number };
}

export interface KeptEntry {
  /** The first of its topics. */
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly at: Position;
}

/**
 * One log for each group. Its entries have one number for all, and each node hears those of its topics in the order of the numbers, by
 * {@link BusSink.message}: by whatever topics, once or, if it has several of them, several times. All methods reject with `ERR_BUS_DOWN`
 * while it is down; what was under way then may or may not have happened.
 */
export interface BusLog {
  /**
   * Adds all of a batch or nothing, and tells it. `known`: the writer's batch of this number is there already. `unexpected`: the one before
   * it is not, and nothing was added.
   */
  append(group: string, batch: LogBatch): Promise<"stored" | "known" | "unexpected">;
  /** Where it ends now. A log that is not there begins. */
  end(group: string): Promise<Position>;
  /**
   * All that came after a position, in order; `undefined` if some of it is not there any more, or the position is of another epoch.
   *
   * @param topics of these alone. Left out: of the whole group
   */
  read(
    group: string,
    after: Position,
    topics?: readonly string[],
  ): Promise<{ readonly entries: readonly KeptEntry[]; readonly end: Position } | undefined>;
  /** Begins a new epoch, so that no position of before counts any more. @returns where it ends now */
  renew(group: string): Promise<Position>;
}

export interface BusRecord {
  readonly bytes: Uint8Array;
  /** Changes with each write. */
  readonly version: number;
}

/** Values under keys, for a time. All methods reject with `ERR_BUS_DOWN` while it is down. */
export interface BusRecords {
  get(key: string): Promise<BusRecord | undefined>;
  /**
   * Writes a value if what is there has this version still; 0: if nothing is there.
   *
   * @returns the new version; `undefined` if it is another one, and nothing was written
   */
  put(key: string, bytes: Uint8Array, version: number, ttlMs: number): Promise<number | undefined>;
  /** The same for the end of a value. @returns whether it was that version */
  delete(key: string, version: number): Promise<boolean>;
  /** Those that are there stay for so long from now on. */
  touch(keys: readonly string[], ttlMs: number): Promise<void>;
}

/** What a bus tells. No method may throw. */
export interface BusSink {
  /** The bytes are the receiver's. @param at its place, if it is an entry of the log; then `topic` is the first of its topics */
  message(topic: string, bytes: Uint8Array, at?: Position): void;
  /** Subscriptions are in force. */
  subscribed(topics: readonly string[]): void;
  /** It works (again), all subscriptions in force. @param gap messages may be missing since the last one */
  up(gap: boolean): void;
  /** Nothing comes or goes until {@link up}. */
  down(cause: SockeyeError): void;
}
