import cluster from "node:cluster";
import { Kept } from "./kept.js";
import {
  areMessages,
  CHANNEL,
  type FromPrimary,
  isPublished,
  isTopics,
  type Published,
  readMessage,
  readQuestion,
  unsent,
} from "./messages.js";

/** One worker, as the primary sees it. */
export interface RelayWorker {
  readonly id: number;
  isConnected(): boolean;
  isDead(): boolean;
  send(message: object, failed: (error: Error | null) => void): unknown;
}

/** Node's `cluster`, as far as it is needed. */
export interface RelayCluster {
  setupPrimary(settings: { serialization: "advanced" }): void;
  on(event: "message", listener: (worker: RelayWorker, message: unknown) => void): unknown;
  on(event: "exit" | "disconnect", listener: (worker: RelayWorker) => void): unknown;
}

export interface RelayOptions {
  /**
   * What the log of all workers may take in the primary, in bytes, about: with `connectionStateRecovery` it keeps what clients may have
   * missed. Past that the oldest go, and who was away so long is not recovered. Default 67,108,864 (64 MiB).
   */
  readonly maxLogBytes?: number | undefined;
  /** Default: `node:cluster`. */
  readonly primary?: RelayCluster | undefined;
}

const MAX_LOG_BYTES = 67_108_864;

/**
 * Makes the primary of Node's cluster pass messages on between its workers, and keep their log and records of sessions in its memory. Call
 * it before the first `fork()`: it sets the channel to `serialization: "advanced"`, since bytes must stay bytes.
 */
export function relay({
  maxLogBytes = MAX_LOG_BYTES,
  primary = cluster as unknown as RelayCluster,
}: RelayOptions = {}): void {
  const relaying = new Relay(maxLogBytes);
  primary.setupPrimary({ serialization: "advanced" });
  primary.on("message", (worker, message) => relaying.message(worker, message));
  // In either order. What a worker said last may be read after its exit, and must not come behind its goodbye: others would take
  // it for a newcomer.
  for (const event of ["exit", "disconnect"] as const)
    primary.on(event, (worker) => {
      if (worker.isDead() && !worker.isConnected()) relaying.died(worker);
    });
}

class Relay {
  readonly #byTopic = new Map<string, Set<RelayWorker>>();
  readonly #wills = new Map<RelayWorker, Published>();
  readonly #kept: Kept;

  constructor(maxLogBytes: number) {
    this.#kept = new Kept(maxLogBytes, (messages) => this.#tell(messages));
  }

  message(worker: RelayWorker, message: unknown): void {
    const [what, content, question] = readMessage(message) ?? [];
    if (what === "publish" && areMessages(content)) this.#publish(content);
    else if (what === "ask" && typeof content === "number") {
      const asked = readQuestion(question);
      if (asked) send(worker, ["answer", content, this.#kept.answer(asked)]);
    } else if (what === "will" && isPublished(content)) this.#wills.set(worker, content);
    else if (what === "close") this.#forget(worker);
    else if (what === "unsubscribe" && isTopics(content))
      for (const topic of content) this.#leave(worker, topic);
    else if (what === "subscribe" && isTopics(content)) {
      for (const topic of content)
        this.#byTopic.set(topic, (this.#byTopic.get(topic) ?? new Set()).add(worker));
      send(worker, ["subscribed", content]);
    }
  }

  /** A worker that has not taken leave has died, and the others are told in its name. */
  died(worker: RelayWorker): void {
    const will = this.#wills.get(worker);
    this.#forget(worker);
    if (will) this.#publish([will]);
  }

  #publish(messages: readonly Published[]): void {
    this.#tell(messages.map((message) => [[message[0]], message]));
  }

  /** Each worker gets all that it has subscribed to as one message, and what it has subscribed to twice once. */
  #tell(messages: readonly (readonly [topics: readonly string[], Published])[]): void {
    const byWorker = new Map<RelayWorker, Published[]>();
    for (const [topics, message] of messages)
      for (const topic of topics)
        for (const worker of this.#byTopic.get(topic) ?? []) {
          const own = byWorker.get(worker);
          if (!own) byWorker.set(worker, [message]);
          else if (own.at(-1) !== message) own.push(message);
        }
    for (const [worker, own] of byWorker) send(worker, ["messages", own]);
  }

  #leave(worker: RelayWorker, topic: string): void {
    const workers = this.#byTopic.get(topic);
    if (workers?.delete(worker) && workers.size === 0) this.#byTopic.delete(topic);
  }

  #forget(worker: RelayWorker): void {
    this.#wills.delete(worker);
    for (const topic of [...this.#byTopic.keys()]) this.#leave(worker, topic);
  }
}

function send(worker: RelayWorker, message: FromPrimary): void {
  if (!worker.isConnected()) return;
  try {
    worker.send({ [CHANNEL]: message }, unsent);
  } catch {
    // It is ending, and `exit` follows.
  }
}
