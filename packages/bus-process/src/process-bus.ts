import type { Bus, BusLog, BusRecords, BusSink } from "@sockeye/protocol";
import { ClusterError, deferTask, UsageError } from "@sockeye/protocol";
import {
  areMessages,
  CHANNEL,
  type FromWorker,
  isTopics,
  type Published,
  type Question,
  readMessage,
  unsent,
} from "./messages.js";

/** A worker's end of the channel to the primary: `process`. */
export interface ProcessPort {
  readonly connected?: boolean;
  send?: ((message: object, failed: (error: Error | null) => void) => unknown) | undefined;
  on(event: "message", listener: (message: unknown) => void): unknown;
  on(event: "disconnect", listener: () => void): unknown;
  off(event: "message", listener: (message: unknown) => void): unknown;
  off(event: "disconnect", listener: () => void): unknown;
}

const MAX_BYTES = 67_108_864;

/**
 * Node's `cluster` as the bus: the primary, which has called `relay()`, passes messages on between its workers, and keeps the log and the
 * records in its memory, as long as it lives. Nothing else is needed.
 *
 * @param port default `process`
 * @throws UsageError `ERR_NOT_SUPPORTED` in a process that is not a worker
 */
export function processBus(port: ProcessPort = process): Bus {
  if (typeof port.send !== "function") {
    throw new UsageError(
      "ERR_NOT_SUPPORTED",
      "processBus() is for workers of Node's cluster: this process has no primary.",
    );
  }
  return new ProcessBus(port);
}

class ProcessBus implements Bus {
  readonly maxBytes: number = MAX_BYTES;
  readonly order: "all" | "group" = "all";
  readonly local: boolean = true;
  readonly #port: ProcessPort;
  readonly #topics = new Set<string>();
  #sink: BusSink | undefined = undefined;
  #waiting: Published[] = [];
  #asked = 0;
  readonly #questions = new Map<number, { resolve(answer: unknown): void; reject(error: Error): void }>();
  readonly log: BusLog = {
    append: (group, batch) => this.#ask(["append", group, batch]),
    end: (group) => this.#ask(["end", group]),
    read: (group, after, topics) => this.#ask(["read", group, after, topics]),
    renew: (group) => this.#ask(["renew", group]),
  };
  readonly records: BusRecords = {
    get: (key) => this.#ask(["get", key]),
    put: (key, bytes, version, ttlMs) => this.#ask(["put", key, bytes, version, ttlMs]),
    delete: (key, version) => this.#ask(["delete", key, version]),
    touch: (keys, ttlMs) => this.#ask(["touch", keys, ttlMs]),
  };
  readonly #onMessage = (message: unknown): void => this.#message(message);
  readonly #onDisconnect = (): void => this.#down("the primary is gone");

  constructor(port: ProcessPort) {
    this.#port = port;
  }

  open(sink: BusSink): Promise<void> {
    this.#sink = sink;
    this.#port.on("message", this.#onMessage);
    this.#port.on("disconnect", this.#onDisconnect);
    this.#send(["subscribe", [...this.#topics]]);
    return Promise.resolve();
  }

  /** What a turn publishes is one message. */
  publish(topic: string, bytes: Uint8Array): void {
    if (this.#waiting.push([topic, bytes]) === 1) deferTask(() => this.#flush());
  }

  subscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.add(topic);
    if (this.#sink) this.#send(["subscribe", topics]);
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.delete(topic);
    if (this.#sink) this.#send(["unsubscribe", topics]);
  }

  will(topic: string, bytes: Uint8Array): void {
    this.#send(["will", [topic, bytes]]);
  }

  /** There is one channel, and no other way. */
  restart(): void {
    this.#down("nothing was heard of the primary");
    this.#send(["subscribe", [...this.#topics]]);
    this.#sink?.up(true);
  }

  close(): Promise<void> {
    this.#flush();
    this.#send(["close"]);
    this.#failAsked("it is closed");
    this.#sink = undefined;
    this.#port.off("message", this.#onMessage);
    this.#port.off("disconnect", this.#onDisconnect);
    return Promise.resolve();
  }

  #flush(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length > 0) this.#send(["publish", waiting]);
  }

  #send(message: FromWorker): void {
    if (this.#port.connected === false) return;
    try {
      this.#port.send?.({ [CHANNEL]: message }, unsent);
    } catch {
      // The channel has just closed, and tells.
    }
  }

  #message(message: unknown): void {
    const [what, content, answer] = readMessage(message) ?? [];
    if (what === "messages" && areMessages(content)) {
      for (const [topic, bytes, at] of content)
        if (at) this.#sink?.message(topic, bytes, at);
        else if (this.#topics.has(topic)) this.#sink?.message(topic, bytes);
    } else if (what === "subscribed" && isTopics(content)) this.#sink?.subscribed(content);
    else if (what === "answer" && typeof content === "number") {
      this.#questions.get(content)?.resolve(answer);
      this.#questions.delete(content);
    }
  }

  /** The primary does all that it was asked for in order, between what was published before and after it. */
  #ask<T>(question: Question): Promise<T> {
    if (!this.#sink || this.#port.connected === false) return Promise.reject(isDown("the primary is gone"));
    this.#flush();
    this.#asked += 1;
    const id = this.#asked;
    return new Promise((resolve, reject) => {
      // What the primary answers is what the method of that name gives.
      this.#questions.set(id, { resolve: (answer) => resolve(answer as T), reject });
      this.#send(["ask", id, question]);
    });
  }

  #down(cause: string): void {
    this.#failAsked(cause);
    this.#sink?.down(isDown(cause));
  }

  #failAsked(cause: string): void {
    for (const { reject } of this.#questions.values()) reject(isDown(cause));
    this.#questions.clear();
  }
}

function isDown(cause: string): ClusterError {
  return new ClusterError("ERR_BUS_DOWN", cause);
}
