import { createHash } from "node:crypto";
import type { Bus, BusSink } from "@sockeye/protocol";
import { ClusterError, startTimer, stopTimer, UsageError } from "@sockeye/protocol";
import { Link, type NatsConnectionLike } from "./link.js";

export interface NatsBusOptions {
  /** Before the names of subjects. Default `sockeye.` */
  readonly prefix?: string | undefined;
}

const DEFAULT_MAX_BYTES = 1_048_576;
const CONNECT_MS = 5_000;
const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 2_000;
const PREFIX = /^[\w-]+(\.[\w-]+)*\.?$/;

/**
 * NATS as the bus of a cluster. It makes a connection of its own, with the options that it is given, and reconnects by itself.
 *
 * ```ts
 * import { connect } from "@nats-io/transport-node";
 * new Server(http, { cluster: { bus: nats(connect, { servers: "nats://10.0.0.1:4222" }), name: "shop" } });
 * ```
 *
 * It keeps no log, so `connectionStateRecovery` does not work over it.
 *
 * @param connect of `@nats-io/transport-node`, version 3
 * @param terms its options; how it reconnects is the bus's own business
 * @throws UsageError `ERR_BAD_OPTION` for something else
 */
export function nats<Terms extends object>(
  connect: (terms: Terms) => Promise<NatsConnectionLike>,
  terms: Terms,
  { prefix = "sockeye." }: NatsBusOptions = {},
): Bus {
  if (typeof connect !== "function" || typeof terms !== "object" || terms === null) {
    const text = "nats() takes connect of the package @nats-io/transport-node, and its options.";
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  if (!PREFIX.test(prefix)) {
    const text = `The option prefix must be letters, digits, hyphens and underscores, with dots between, not ${JSON.stringify(prefix)}.`;
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  const own = { reconnect: false, waitOnFirstConnect: false, timeout: CONNECT_MS, noEcho: false };
  return new NatsBus(() => connect({ ...terms, ...own }), prefix);
}

class NatsBus implements Bus {
  readonly order: "all" = "all";
  readonly local: boolean = false;
  readonly #dial: () => Promise<NatsConnectionLike>;
  readonly #prefix: string;
  readonly #topics = new Set<string>();
  #sink: BusSink | undefined = undefined;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #maxBytes = DEFAULT_MAX_BYTES;
  #link: Link | undefined = undefined;
  /** Of the connections: what older ones still tell is ignored. */
  #generation = 0;
  #pauseMs = FIRST_PAUSE_MS;
  #retry: ReturnType<typeof setTimeout> | undefined = undefined;
  #opening: { resolve(): void; reject(error: unknown): void } = { resolve() {}, reject() {} };

  constructor(dial: () => Promise<NatsConnectionLike>, prefix: string) {
    this.#dial = dial;
    this.#prefix = prefix;
  }

  /** What the server says once it is connected. */
  get maxBytes(): number {
    return this.#maxBytes;
  }

  open(sink: BusSink): Promise<void> {
    this.#sink = sink;
    const opened = new Promise<void>((resolve, reject) => {
      this.#opening = { resolve, reject };
    });
    this.#connect();
    return opened;
  }

  publish(topic: string, bytes: Uint8Array): void {
    if (this.#state === "up") this.#link?.publish(topic, bytes);
  }

  subscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.add(topic);
    if (this.#state === "up") this.#link?.subscribe(topics);
  }

  unsubscribe(topics: readonly string[]): void {
    for (const topic of topics) this.#topics.delete(topic);
    this.#link?.unsubscribe(topics);
  }

  restart(): void {
    if (this.#state === "closed") return;
    this.#down(new Error("nothing was heard"));
    this.#connect();
  }

  async close(): Promise<void> {
    const link = this.#state === "up" ? this.#link : undefined;
    this.#state = "closed";
    this.#sink = undefined;
    await link?.close();
    this.#stop();
  }

  // ---- inside

  #connect(): void {
    const generation = ++this.#generation;
    const isCurrent = (): boolean => generation === this.#generation && this.#state !== "closed";
    this.#dial().then(
      (connection) => {
        if (isCurrent()) this.#begin(connection, isCurrent);
        else connection.close().catch(() => {});
      },
      (error: unknown) => {
        if (!isCurrent()) return;
        if (this.#state === "starting" && isFinal(error)) this.#opening.reject(error);
        else this.#lost(error);
      },
    );
  }

  #begin(connection: NatsConnectionLike, isCurrent: () => boolean): void {
    this.#maxBytes = connection.info?.max_payload ?? DEFAULT_MAX_BYTES;
    const link = new Link(connection, {
      subject: (topic) => this.#prefix + token(topic),
      heard: (topic, bytes) => {
        if (isCurrent()) this.#sink?.message(topic, bytes);
      },
      subscribed: (topics) => {
        if (isCurrent()) this.#sink?.subscribed(topics);
      },
      lost: (cause) => {
        if (isCurrent()) this.#lost(cause);
      },
    });
    this.#link = link;
    this.#subscribeAll(link, [...this.#topics]);
  }

  /** It is up once it has asked for all topics, those that came meanwhile, too. */
  async #subscribeAll(link: Link, topics: readonly string[]): Promise<void> {
    await link.subscribe(topics);
    if (this.#link !== link || this.#state === "closed") return;
    const later = [...this.#topics].filter((topic) => !link.has(topic));
    if (later.length > 0) await this.#subscribeAll(link, later);
    else this.#up();
  }

  #up(): void {
    const isFirst = this.#state === "starting";
    this.#state = "up";
    this.#pauseMs = FIRST_PAUSE_MS;
    if (isFirst) this.#opening.resolve();
    else this.#sink?.up(true);
  }

  /** It connects again after a pause: each longer than the last one, and none like another node's. */
  #lost(cause: unknown): void {
    this.#down(cause);
    const pause = this.#pauseMs * (0.5 + Math.random());
    this.#pauseMs = Math.min(this.#pauseMs * 2, LONGEST_PAUSE_MS);
    this.#retry = startTimer(() => this.#connect(), pause);
  }

  #down(cause: unknown): void {
    const wasUp = this.#state === "up";
    if (wasUp) this.#state = "down";
    this.#stop();
    if (wasUp) this.#sink?.down(new ClusterError("ERR_BUS_DOWN", "the connection to NATS is lost", cause));
  }

  #stop(): void {
    stopTimer(this.#retry);
    this.#generation += 1;
    this.#link?.cut();
    this.#link = undefined;
  }
}

/** Longer names are hashed: NATS bounds its lines. */
const MAX_TOKEN = 200;

/** A topic as one token of a subject: it has no spaces, dots or wildcards. */
export function token(topic: string): string {
  let text = "";
  for (const byte of Buffer.from(topic)) {
    const char = String.fromCharCode(byte);
    text += /[\w-]/.test(char) ? char : `=${byte.toString(16).padStart(2, "0")}`;
  }
  return text.length > MAX_TOKEN ? `==${createHash("sha256").update(topic).digest("base64url")}` : text;
}

/** It will say the same tomorrow. */
function isFinal(error: unknown): boolean {
  const name = error instanceof Error ? error.name : "";
  return ["AuthorizationError", "InvalidArgumentError"].includes(name);
}
