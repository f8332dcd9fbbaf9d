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
  /** Nothing is heard any more, not even this node's own messages: makes the connections anew. Tells {@link BusSink.down} first. */
  restart(): void;
  /** What was published has left, and nothing more is told. */
  close(): Promise<void>;
}

/** What a bus tells. No method may throw. */
export interface BusSink {
  /** The bytes are the receiver's. */
  message(topic: string, bytes: Uint8Array): void;
  /** Subscriptions are in force. */
  subscribed(topics: readonly string[]): void;
  /** It works (again), all subscriptions in force. @param gap messages may be missing since the last one */
  up(gap: boolean): void;
  /** Nothing comes or goes until {@link up}. */
  down(cause: SockeyeError): void;
}
