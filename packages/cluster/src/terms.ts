import type { Bus, Clock, KeptEntry, SockeyeError } from "@sockeye/protocol";
import type { Changed, Member, NodeLoad } from "./membership.js";
import type { Question, Reply } from "./queries.js";

/** What a node has counted since it began, and what is now. */
export interface ClusterStats {
  /** Times that messages of others may have been lost on their way here. */
  readonly gaps: number;
  /** Messages for others that were dropped, since the bus was down for too long. */
  readonly dropped: number;
  /** Bytes that wait for the bus. */
  readonly waitingBytes: number;
  /** Milliseconds that a message takes over the bus and back, by the last beat. */
  readonly lagMs: number;
}

/** What a cluster tells. No method may throw. */
export interface ClusterSink {
  changed(change: Changed): void;
  /** Messages may be missing: of one node, or of all. */
  gap(node: Member | undefined): void;
  bus(state: "up" | "down", cause: SockeyeError | undefined): void;
  /** Something could not be sent, or what came made no sense. */
  failed(error: SockeyeError): void;
}

export interface ClusterTerms {
  readonly bus: Bus;
  /** Of the cluster. */
  readonly name: string;
  /** The name of this node, for people. */
  readonly node: string;
  readonly clock: Clock;
  /** Signs what goes over the bus. Without it everybody who can write there is believed. */
  readonly secret?: string | undefined;
  /** How this node writes packets. */
  readonly codec: string;
  /** With it others sign requests to this node's internal listener. */
  readonly key: string;
  /** The oldest and the newest version of the bus protocol that it speaks. Default: all that there are. */
  readonly versions?: readonly [number, number] | undefined;
  /** The tag to begin with: for tests. Default: a random one. */
  readonly tag?: string | undefined;
  load(): NodeLoad;
  readonly sink: ClusterSink;
}

/** What hears the messages of one namespace. What a method throws is reported, and a query answered with a failure. */
export interface Party {
  /** @param seq of its sender, in the order in which that one has said all that it says */
  event(body: Uint8Array, origin: string, seq: number): void;
  act(op: string, args: readonly unknown[], from: string): void;
  asked(question: Question, reply: Reply): void;
  subscribed(topic: string): void;
  /** An entry of the namespace's log. */
  logged?(entry: KeptEntry): void;
  /** The bus works again, or does not any more. */
  bus?(state: "up" | "down"): void;
  /** A node has left, or is taken to be dead. */
  gone?(node: string): void;
  /** Messages may be missing: of one node, or of all if it is left out. */
  missed?(node?: string): void;
}
