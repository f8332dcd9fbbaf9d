import { randomBytes } from "node:crypto";
import {
  FrameFormat,
  Kind,
  LogWriter,
  Outbox,
  Publisher,
  pack,
  packSelection,
  requireClusterName,
  SPREAD_MS,
  Topics,
  writeEvent,
} from "@sockeye/cluster/internal";
import type { BroadcastOptions, Bus, BusLog, Clock, EncodedPacket, LogBatch, Room } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";

/** Names that are so long may be ids of sockets, and an outsider does not know on which nodes those are. */
const MAX_ROOM = 19;
/** How long the log is waited for. */
const MAX_WAITING_MS = 2_000;
/** Before the bus is open for the first time. */
const MAX_EARLY_BYTES = 1_048_576;
const CLOSING_MS = 5_000;

export interface OutsiderTerms {
  readonly bus: Bus;
  /** Of the cluster. */
  readonly name: string;
  readonly secret: string | undefined;
  /** Events go into the log, as those of nodes do that keep them. */
  readonly keep: LogBatch["keep"] | undefined;
  readonly clock: Clock;
  failed(error: unknown): void;
}

/** What is said about a namespace. */
interface Saying {
  readonly topics: Topics;
  readonly to: string;
  readonly kind: Kind;
  readonly body: Uint8Array;
  readonly logged: boolean;
}

/** Speaks to the nodes of a cluster without being one: nobody waits for it, and it hears nothing. */
export class Outsider {
  /** Resolves once the bus works; rejects if it never can. */
  readonly ready: Promise<void>;
  readonly #terms: OutsiderTerms;
  readonly #log: BusLog | undefined;
  readonly #id: string = randomBytes(6).toString("base64url");
  readonly #format: FrameFormat;
  readonly #outbox: Outbox;
  readonly #publisher: Publisher;
  readonly #writers = new Map<string, LogWriter>();
  readonly #spread = new Map<string, number>();
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #early: Saying[] = [];
  #earlyBytes = 0;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(terms: OutsiderTerms) {
    requireClusterName(terms.name);
    const { bus, clock, failed } = terms;
    this.#terms = terms;
    this.#log = terms.keep && bus.log;
    this.#format = new FrameFormat(this.#id, terms.secret);
    this.#outbox = new Outbox({ bus, clock, format: this.#format, failed });
    this.#publisher = new Publisher(this.#format, this.#outbox);
    const nothing = (): void => {};
    this.ready = bus
      .open({ message: nothing, subscribed: nothing, up: () => this.#up(), down: () => this.#down() })
      .then(() => this.#opened());
    this.ready.catch((error: unknown) => failed(error));
  }

  event(namespace: string, encoded: EncodedPacket, options: BroadcastOptions): void {
    const topics = this.#topics(namespace);
    const to = this.#way(topics, options.rooms);
    const body = writeEvent(encoded, options);
    this.#say({ topics, to, kind: Kind.EVENT, body, logged: !options.flags?.volatile });
  }

  /** Makes all nodes do something to sockets of theirs. */
  act(
    namespace: string,
    op: "join" | "leave" | "disconnect",
    selected: BroadcastOptions,
    arg: unknown,
  ): void {
    const topics = this.#topics(namespace);
    // Their nodes must subscribe first.
    const until = this.#terms.clock.now() + SPREAD_MS;
    if (op === "join")
      for (const room of arg as readonly Room[]) this.#spread.set(topics.room(`${room}`), until);
    this.#act(topics, op, [...packSelection(selected), arg], true);
  }

  /** An event for the servers. */
  tell(namespace: string, args: readonly unknown[]): void {
    this.#act(this.#topics(namespace), "emit", [args], false);
  }

  /** Resolves once all has left that was said, or after five seconds. */
  async close(): Promise<void> {
    const { bus, clock, failed } = this.#terms;
    if (this.#state === "closed") return;
    let timer: unknown;
    const late = new Promise<"late">((resolve) => {
      timer = clock.setTimer(() => resolve("late"), CLOSING_MS);
    });
    const left = this.ready.then(
      () => Promise.all([...this.#writers.values()].map((writer) => writer.kept())),
      () => undefined,
    );
    if ((await Promise.race([left, late])) === "late")
      failed(new ClusterError("ERR_BUS_DOWN", "what was said last may have reached nobody"));
    clock.clearTimer(timer);
    this.#outbox.flush();
    this.#state = "closed";
    for (const writer of this.#writers.values()) writer.down();
    await bus.close();
  }

  // ---- the bus

  #opened(): void {
    this.#up();
    const early = this.#early;
    this.#early = [];
    for (const saying of early) this.#say(saying);
  }

  #up(): void {
    if (this.#state === "closed") return;
    this.#state = "up";
    const dropped = this.#outbox.up();
    if (dropped > 0) this.#publisher.publish([this.#topics().wide], Kind.GAP, pack([dropped]));
    this.#outbox.flush();
    for (const writer of this.#writers.values()) writer.up();
  }

  #down(): void {
    if (this.#state === "closed") return;
    this.#state = "down";
    this.#outbox.down();
    for (const writer of this.#writers.values()) writer.down();
  }

  // ---- inside

  #act(topics: Topics, op: string, args: readonly unknown[], logged: boolean): void {
    this.#say({ topics, to: topics.wide, kind: Kind.ACT, body: pack([op, args]), logged });
  }

  #say(saying: Saying): void {
    if (this.#state === "closed") return;
    if (this.#state === "starting") this.#wait(saying);
    else if (saying.logged && this.#log) this.#append(this.#log, saying);
    else this.#publisher.publish([saying.to], saying.kind, saying.body);
  }

  #wait(saying: Saying): void {
    this.#earlyBytes += saying.body.length;
    if (this.#earlyBytes <= MAX_EARLY_BYTES) this.#early.push(saying);
    else
      this.#terms.failed(new ClusterError("ERR_BUS_DOWN", "more was said than is kept until the bus works"));
  }

  #append(log: BusLog, { topics, to, kind, body }: Saying): void {
    const { clock, failed } = this.#terms;
    const writer = this.#writer(log, topics);
    if ((writer.oldestAt ?? clock.now()) < clock.now() - MAX_WAITING_MS) {
      const { lost } = writer.giveUp();
      failed(new ClusterError("ERR_BUS_DOWN", `${lost} events were not kept in time, and dropped`));
    }
    const seq = this.#publisher.nextSeq();
    const bytes = this.#format.frame(to, [this.#format.message({ seq, previous: 0, kind, body })]);
    writer.put({ topics: [to], bytes, seq, kind, body, echoes: false, at: clock.now() });
  }

  #writer(log: BusLog, { group }: Topics): LogWriter {
    const known = this.#writers.get(group);
    if (known) return known;
    const { clock, keep = { ms: 0, entries: 0 }, failed } = this.#terms;
    const writer = new LogWriter({ log, clock, group, writer: this.#id, keep, failed });
    if (this.#state === "up") writer.up();
    this.#writers.set(group, writer);
    return writer;
  }

  /** Without members to ask, what may be anywhere is for everybody. */
  #way(topics: Topics, rooms: ReadonlySet<Room>): string {
    const [room] = rooms;
    if (room === undefined || rooms.size > 1 || `${room}`.length > MAX_ROOM) return topics.wide;
    const topic = topics.room(`${room}`);
    const until = this.#spread.get(topic);
    if (until === undefined) return topic;
    if (until > this.#terms.clock.now()) return topics.wide;
    this.#spread.delete(topic);
    return topic;
  }

  #topics(namespace?: string): Topics {
    return new Topics(this.#terms.name, namespace);
  }
}
