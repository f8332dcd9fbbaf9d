import { createHash } from "node:crypto";
import type { BusRecords, SharedStreams, SharedStreamsSink, Timer } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import type { Cluster } from "./cluster.js";
import { isNodeId, Kind } from "./frame.js";
import { listOf, pack, unpack } from "./introduction.js";
import type { Question, Reply } from "./queries.js";
import type { Party } from "./terms.js";
import type { Topics } from "./topics.js";
import { badInput } from "./wire.js";

/** What nodes tell each other of streams. */
const SAID = "stream";
const VERSION = 1;
/** All nodes have so long to say whose a stream is. */
const FIND_MS = 2_000;
/** How long a key is kept after its stream has ended. */
const REMEMBERED_MS = 3_600_000;
/** Records whose time is renewed in one call. */
const TOUCHED = 500;
/** Records of streams that are over. */
const MOST_PAST = 10_000;
const MAX_ATTEMPTS = 3;
/** More than what is around a body. */
const HEADS = 64;

interface Claim {
  node?: Promise<string | undefined>;
  /** Another node asked for the same at the same time, and comes first. */
  yieldedTo?: string;
}

/** Whose the kept streams of a namespace are: by a record of each, or, where the bus has none, by asking all nodes. */
export class ClusterStreams implements SharedStreams {
  readonly node: string;
  readonly #cluster: Cluster;
  readonly #topics: Topics;
  readonly #sink: SharedStreamsSink;
  readonly #party: Party;
  readonly #records: BusRecords | undefined;
  /** What is kept here. */
  readonly #own = new Set<string>();
  /** What was kept here, the eldest first. */
  readonly #past = new Set<string>();
  /** What is about to begin here. */
  readonly #claims = new Map<string, Claim>();
  /** What was claimed, and does not begin. */
  readonly #withdrawn = new Map<string, Promise<void>>();
  #timer: Timer | undefined = undefined;

  constructor(cluster: Cluster, nsp: string, sink: SharedStreamsSink) {
    this.node = cluster.id;
    this.#cluster = cluster;
    this.#topics = cluster.topicsOf(`$${nsp}`);
    this.#sink = sink;
    this.#records = cluster.keeps?.records;
    this.#party = {
      event() {},
      subscribed() {},
      act: (op, args, from) => {
        if (op === SAID && cluster.takes(from)) sink.said(from, args);
      },
      asked: (question, reply) => this.#asked(question, reply),
      bus: (state) => {
        // An engine that was started again knows nothing.
        if (state === "up") for (const key of this.#own) this.#put(key);
      },
      gone: (node) => sink.gone(node),
      missed: (node) => sink.missed(node),
    };
    cluster.join(this.#topics, this.#party);
  }

  find(key: string, begins: boolean): Promise<string | undefined> {
    const withdrawn = this.#withdrawn.get(key);
    if (withdrawn) return withdrawn.then(() => this.find(key, begins));
    const known = this.#claims.get(key)?.node;
    if (known) return known;
    if (!begins) return this.#records ? this.#read(this.#records, key) : this.#ask(key, undefined);
    const claim: Claim = {};
    this.#claims.set(key, claim);
    claim.node = (this.#records ? this.#claim(this.#records, key) : this.#ask(key, claim)).finally(() =>
      this.#claims.delete(key),
    );
    return claim.node;
  }

  hold(key: string, isMade: boolean): void {
    this.#own.add(key);
    if (isMade) this.#put(key);
    if (this.#records) this.#watch();
  }

  release(key: string, never: boolean): void {
    const records = this.#records;
    const wasKept = this.#own.delete(key);
    if (!records) return;
    if (never) this.#withdraw(records, key);
    else if (wasKept) this.#past.add(key);
    const [eldest] = this.#past;
    if (eldest === undefined || this.#past.size <= MOST_PAST) return;
    this.#past.delete(eldest);
    this.#withdraw(records, eldest);
  }

  lives(node: string): boolean {
    return this.#cluster.takes(node);
  }

  say(to: string, value: readonly unknown[]): boolean {
    const body = pack([SAID, value, this.#topics.group]);
    const { maxBytes } = this.#cluster.bus;
    if (body.length + HEADS > maxBytes) {
      const text = `what a stream has for another node, ${body.length} bytes, exceeds the ${maxBytes} that the bus takes`;
      this.#cluster.failed(new ClusterError("ERR_BUS_TOO_LARGE", text));
      return false;
    }
    this.#cluster.publish([this.#cluster.topicsOf().node(to)], Kind.ACT, body);
    return true;
  }

  close(): void {
    this.#cluster.leave(this.#topics, this.#party);
    this.#cluster.clock.clearTimer(this.#timer);
    this.#own.clear();
  }

  // ---- inside

  async #read(records: BusRecords, key: string): Promise<string | undefined> {
    const record = await records.get(this.#nameOf(key));
    return record && readOwner(record.bytes);
  }

  async #claim(records: BusRecords, key: string): Promise<string> {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      const owner = await this.#read(records, key);
      if (owner !== undefined) return owner;
      const version = await records.put(this.#nameOf(key), pack([VERSION, this.node]), 0, REMEMBERED_MS);
      if (version !== undefined) return this.node;
    }
    throw new ClusterError("ERR_BUS_DOWN", "whose the stream is cannot be known now");
  }

  /** @param claim set if it is to begin here */
  async #ask(key: string, claim: Claim | undefined): Promise<string | undefined> {
    const { members } = this.#cluster;
    const outcome = await this.#cluster.ask(
      this.#topics,
      { op: SAID, args: [key, claim !== undefined] },
      { timeoutMs: FIND_MS },
    );
    const found = outcome.answers.map(listOf).filter(([node]) => isNodeId(node));
    // Who has it comes before who is about to begin it.
    const [first] = found.sort(([node, has], [other, hasToo]) =>
      has === hasToo ? (`${node}` < `${other}` ? -1 : 1) : has === true ? -1 : 1,
    );
    if (first) return first[0] as string;
    if (outcome.missing.length > 0 || members.all().some(({ state }) => state === "suspect"))
      throw new ClusterError("ERR_NODES_MISSING", "a node has not said whether the stream is its");
    return claim && (claim.yieldedTo ?? this.node);
  }

  #asked({ op, args: [key, begins] }: Question, reply: Reply): void {
    const claim =
      op === SAID && typeof key === "string" && !this.#records ? this.#claims.get(key) : undefined;
    if (op === SAID && typeof key === "string" && this.#sink.has(key)) reply.last([this.node, true]);
    else if (!claim || begins !== true) reply.none();
    else if (this.node < reply.to) reply.last([this.node, false]);
    else {
      if (claim.yieldedTo === undefined || reply.to < claim.yieldedTo) claim.yieldedTo = reply.to;
      reply.none();
    }
  }

  /** Anybody may begin it from now on. */
  #withdraw(records: BusRecords, key: string): void {
    const name = this.#nameOf(key);
    const withdraw = async (): Promise<void> => {
      const record = await records.get(name);
      if (record && readOwner(record.bytes) === this.node) await records.delete(name, record.version);
    };
    const withdrawn = withdraw()
      .catch((error: unknown) => this.#failed(error))
      .finally(() => this.#withdrawn.delete(key));
    this.#withdrawn.set(key, withdrawn);
  }

  #put(key: string): void {
    this.#records
      ?.put(this.#nameOf(key), pack([VERSION, this.node]), 0, REMEMBERED_MS)
      .catch((error: unknown) => this.#failed(error));
  }

  /** The records of what is kept here stay. */
  #watch(): void {
    const { clock } = this.#cluster;
    this.#timer ??= clock.setTimer(() => {
      this.#timer = undefined;
      const names = [...this.#own].map((key) => this.#nameOf(key));
      for (let at = 0; at < names.length; at += TOUCHED)
        this.#records
          ?.touch(names.slice(at, at + TOUCHED), REMEMBERED_MS)
          .catch((error: unknown) => this.#failed(error));
      if (names.length > 0) this.#watch();
    }, REMEMBERED_MS / 2);
  }

  #nameOf(key: string): string {
    return this.#topics.group + createHash("sha256").update(key).digest("base64url");
  }

  /** A bus that is down is reported by the cluster itself. */
  #failed(error: unknown): void {
    if (!(error instanceof ClusterError && error.code === "ERR_BUS_DOWN")) this.#cluster.failed(error);
  }
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
function readOwner(bytes: Uint8Array): string {
  const [version, owner] = listOf(unpack(bytes));
  if (version !== VERSION || !isNodeId(owner)) throw badInput("no record of a stream");
  return owner;
}
