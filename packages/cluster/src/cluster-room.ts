import { createHash } from "node:crypto";
import type {
  BusLog,
  KeptEntry,
  Position,
  SharedRoom,
  SharedRoomKeep,
  SharedRoomSink,
} from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import type { Cluster } from "./cluster.js";
import { Kind } from "./frame.js";
import { listOf, pack, unpack } from "./introduction.js";
import type { Party } from "./terms.js";
import type { Topics } from "./topics.js";
import { badInput } from "./wire.js";

const RETRY_MS = 1_000;
/** A request for what is kept waits so long. */
const PATIENCE_MS = 5_000;
/** A question to all nodes. */
const ANSWER_MS = 2_000;
/** What nodes tell each other of the room. */
const SAID = "room";
/** The bytes of one batch, and of all that waits in one room. */
const BATCH_BYTES = 262_144;
const MAX_WAITING_BYTES = 1_048_576;

interface Waiting {
  readonly bytes: Uint8Array;
  readonly id: string | undefined;
  resolve(answer: "stored" | "known"): void;
  reject(error: Error): void;
}

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

/**
 * A room of its own group on the bus: what is kept in it has contiguous numbers. What comes live is told if it has the next number; otherwise, and
 * after each loss of the bus, what is missing is read first. If it is not there any more, the room starts over where the log does.
 */
export class ClusterRoom implements SharedRoom {
  readonly node: string;
  readonly life: number;
  readonly #cluster: Cluster;
  readonly #topics: Topics;
  readonly #topic: string;
  readonly #log: BusLog | undefined;
  readonly #keep: SharedRoomKeep;
  readonly #sink: SharedRoomSink;
  #at: Position | undefined;
  #isInForce = false;
  #isClosed = false;
  /** `again`: something was asked for after it began. */
  #reading: "no" | "yes" | "again" = "no";
  #early: KeptEntry[] = [];
  readonly #party: Party;
  #waiters: Waiter[] = [];
  #queue: Waiting[] = [];
  #queued = 0;
  /** What is being added: it stays the same until that is settled. */
  #batch: readonly Waiting[] | undefined;
  #isSending = false;
  /** The engine counts a writer's batches; one that it has forgotten continues under a new name. */
  #writer = 0;
  #number = 0;
  #retry: unknown;

  /** @param keep left out: nothing is kept */
  constructor(
    cluster: Cluster,
    { nsp, room }: { readonly nsp: string; readonly room: string },
    keep: SharedRoomKeep | undefined,
    sink: SharedRoomSink,
  ) {
    this.#cluster = cluster;
    this.node = cluster.id;
    this.life = cluster.nextSeq();
    this.#topics = cluster.topicsOf(`#${nsp.length}${nsp}#${room}`);
    this.#topic = this.#topics.room("");
    this.#log = keep && cluster.keeps?.log;
    this.#keep = keep ?? { entries: 0, ms: 0 };
    this.#sink = sink;
    this.#party = {
      event() {},
      act: (op, args, from) => this.#said(op, args, from),
      asked: ({ op, args }, reply) => {
        this.#said(op, args, reply.to);
        reply.none();
      },
      subscribed: () => this.#inForce(),
      logged: (entry) => this.#heard(entry),
      bus: (state) => {
        if (state === "up") this.#inForce();
      },
      gone: (node) => sink.gone(node),
      missed: (node) => sink.missed(node),
    };
    cluster.join(this.#topics, this.#party);
    cluster.subscribe(this.#topic);
  }

  known(): Promise<void> | undefined {
    // One that is being read already may not have what waits from now on.
    return this.#isInForce && (this.#at || !this.#log) ? undefined : this.catchUp();
  }

  catchUp(): Promise<void> {
    if (!this.#log) return Promise.resolve();
    const told = this.#wait();
    this.#readOn();
    return told;
  }

  append(value: readonly unknown[], id?: string): Promise<"stored" | "known"> {
    const { format } = this.#cluster;
    const body = pack(value);
    const bytes = format.frame(this.#topic, [
      format.message({ seq: 0, previous: 0, kind: Kind.EVENT, body }),
    ]);
    if (bytes.length > MAX_WAITING_BYTES) return Promise.reject(badInput("an event is too large to be kept"));
    if (this.#isClosed || this.#queued + bytes.length > MAX_WAITING_BYTES) return Promise.reject(notNow());
    this.#queued += bytes.length;
    return new Promise((resolve, reject) => {
      this.#queue.push({ bytes, id, resolve, reject });
      // What a turn says is kept in one step.
      this.#cluster.clock.defer(() => this.#send());
    });
  }

  say(value: readonly unknown[], to?: string): void {
    if (to !== undefined) this.#cluster.tell(to, SAID, value, this.#topics.group);
    else this.#cluster.publish([this.#topic], Kind.ACT, pack([SAID, value]));
  }

  async ask(value: readonly unknown[]): Promise<void> {
    // Of nodes that are not known yet nobody can be waited for.
    if (this.#cluster.members.live().length === 0) this.say(value);
    else await this.#cluster.ask(this.#topics, { op: SAID, args: value }, { timeoutMs: ANSWER_MS });
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cluster.clock.clearTimer(this.#retry);
    this.#cluster.leave(this.#topics, this.#party);
    this.#cluster.unsubscribe([this.#topic]);
    for (const { reject } of this.#waiters.splice(0)) reject(notNow());
    if (!this.#cluster.isUp) this.#giveUp();
  }

  // ---- inside

  #inForce(): void {
    this.#isInForce = true;
    this.#readOn();
    this.#sink.missed();
  }

  #said(op: string, args: readonly unknown[], from: string): void {
    if (op === SAID && this.#cluster.takes(from)) this.#sink.said(from, args);
  }

  #wait(): Promise<void> {
    return new Promise((resolve, reject) => {
      const { clock } = this.#cluster;
      const waiter: Waiter = {
        resolve: () => {
          clock.clearTimer(timer);
          resolve();
        },
        reject: (error) => {
          clock.clearTimer(timer);
          reject(error);
        },
      };
      const timer = clock.setTimer(() => {
        this.#waiters = this.#waiters.filter((each) => each !== waiter);
        reject(notNow());
      }, PATIENCE_MS);
      this.#waiters.push(waiter);
    });
  }

  /** Reads what is missing, once what comes live is heard. */
  #readOn(): void {
    if (!this.#isInForce || this.#isClosed) return;
    if (this.#reading !== "no") {
      this.#reading = "again";
      return;
    }
    this.#reading = "yes";
    const waiters = this.#waiters.splice(0);
    const before = this.#early.length;
    this.#cluster.clock.clearTimer(this.#retry);
    this.#read().then(
      (entries) => {
        const isAgain = this.#reading === "again";
        this.#reading = "no";
        if (this.#isClosed) return;
        // What was heard before it was read, and is of another life of the log all the same, is of an older one.
        const early = this.#early
          .splice(0)
          .filter(({ at }, index) => index >= before || at.epoch === this.#at?.epoch);
        for (const entry of [...entries, ...early]) this.#heard(entry);
        for (const { resolve } of waiters) resolve();
        if (isAgain) this.#readOn();
        this.#send();
      },
      (error: unknown) => {
        this.#reading = "no";
        this.#waiters.push(...waiters);
        this.#failed(error);
      },
    );
  }

  async #read(): Promise<readonly KeptEntry[]> {
    const log = this.#log;
    if (!log) return [];
    const { group } = this.#topics;
    const part = this.#at && (await log.read(group, this.#at));
    if (part) return part.entries;
    // As much as there is: what is too old may be gone in any amount.
    const end = await log.end(group);
    for (let most = this.#keep.entries; ; most >>= 1) {
      const at = { ...end, number: Math.max(0, end.number - most) };
      const found = await log.read(group, at);
      if (found) {
        this.#begin(at);
        return found.entries;
      }
      if (most === 0) throw notNow();
    }
  }

  #begin(at: Position): void {
    this.#at = at;
    if (!this.#isClosed) this.#sink.began(at.epoch, at.number);
  }

  #heard(entry: KeptEntry): void {
    const { at, bytes } = entry;
    if (this.#reading !== "no" || !this.#at) {
      this.#early.push(entry);
      return;
    }
    // Another life of the log, and its first entry: what comes before it there is nothing.
    if (at.epoch !== this.#at.epoch && at.number === 1) this.#begin({ ...at, number: 0 });
    if (at.epoch === this.#at.epoch && at.number <= this.#at.number) return;
    if (at.epoch !== this.#at.epoch || at.number > this.#at.number + 1) {
      this.#early.push(entry);
      this.#readOn();
      return;
    }
    this.#at = at;
    try {
      const [message] = this.#cluster.format.read(this.#topic, bytes).messages;
      this.#sink.kept(message ? listOf(unpack(message.body)) : []);
    } catch (error) {
      // Whatever it is has its number.
      this.#sink.kept([]);
      this.#cluster.failed(error);
    }
  }

  #send(): void {
    if (this.#isSending || !this.#log || !this.#isInForce) return;
    this.#batch ??= this.#nextBatch();
    const [first] = this.#batch;
    if (first === undefined) {
      this.#batch = undefined;
      return;
    }
    this.#isSending = true;
    const isNamed = first.id !== undefined;
    this.#log
      .append(this.#topics.group, {
        writer: isNamed ? `id:${digest(`${first.id}`)}` : `${this.#cluster.id}.${this.#writer}`,
        number: isNamed ? 1 : this.#number + 1,
        entries: this.#batch.map(({ bytes }) => ({ topics: [this.#topic], bytes })),
        // One more, so that where they begin is there, too.
        keep: { ms: this.#keep.ms, entries: this.#keep.entries + 1 },
      })
      .then(
        (answer) => {
          this.#isSending = false;
          if (answer === "unexpected") {
            this.#writer += 1;
            this.#number = 0;
          } else {
            if (!isNamed) this.#number += 1;
            for (const { bytes, resolve } of this.#batch ?? []) {
              this.#queued -= bytes.length;
              resolve(answer);
            }
            this.#batch = undefined;
          }
          this.#send();
        },
        (error: unknown) => {
          this.#isSending = false;
          this.#failed(error);
        },
      );
  }

  /** Those without a name together, one that has a name alone. */
  #nextBatch(): readonly Waiting[] {
    let bytes = 0;
    const end = this.#queue.findIndex((waiting, at) => {
      bytes += waiting.bytes.length;
      return at > 0 && (waiting.id !== undefined || this.#queue[0]?.id !== undefined || bytes > BATCH_BYTES);
    });
    return this.#queue.splice(0, end === -1 ? this.#queue.length : end);
  }

  /** A bus that is down needs no report: the room hears when it is up again. */
  #failed(error: unknown): void {
    if (!(error instanceof ClusterError && error.code === "ERR_BUS_DOWN")) this.#cluster.failed(error);
    const { clock, isUp } = this.#cluster;
    clock.clearTimer(this.#retry);
    if (!isUp && this.#isClosed) this.#giveUp();
    if (isUp)
      this.#retry = clock.setTimer(() => {
        this.#readOn();
        this.#send();
      }, RETRY_MS);
  }

  /** Nobody is left who would try again. */
  #giveUp(): void {
    for (const { reject } of [...(this.#batch ?? []), ...this.#queue.splice(0)]) reject(notNow());
    this.#batch = undefined;
  }
}

function digest(id: string): string {
  return createHash("sha256").update(id).digest("base64url");
}

function notNow(): ClusterError {
  return new ClusterError("ERR_BUS_DOWN", "what the room keeps cannot be had now");
}
