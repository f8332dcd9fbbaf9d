import type { Clock, EncodedPacket, SharedStreams, SharedStreamsSink, Timer } from "@sockeye/protocol";
import { OWN_EVENTS } from "@sockeye/protocol";
import type { AwayHost, AwayLink } from "./away.js";
import { Away } from "./away.js";
import type { Place } from "./between-nodes.js";
import { badInput, isCount, SAY } from "./between-nodes.js";
import { Credit } from "./credit.js";
import type { IncomingUpload } from "./incoming-upload.js";
import type { Kept } from "./kept.js";
import type { Lane } from "./lane.js";
import { laneOf } from "./lane.js";
import type { StreamLimits } from "./limits.js";
import type { Production } from "./production.js";
import { Watcher } from "./production.js";
import type { OpenRequest } from "./requests.js";
import { isNumber } from "./requests.js";
import type { Outcome } from "./run.js";
import { failure, internal } from "./run.js";

/** What is kept here, as other nodes see it. */
export interface RelayHost {
  readonly clock: Clock;
  readonly limits: StreamLimits;
  /** A stream by its key. */
  stream(key: string): Kept<Production> | undefined;
  upload(key: string): Kept<IncomingUpload> | undefined;
  isGone(key: string): boolean;
  /** A watcher has come or gone. */
  touch(stream: Kept<Production>): void;
  isSame(input: unknown, other: unknown): boolean;
  encode(event: string, args: readonly unknown[]): EncodedPacket;
  reportError(error: unknown, name: string): void;
}

/** How many streams and uploads may be watched and fed from other nodes. */
const MOST_LANES = 10_000;
/** How often nodes that have something of each other compare it. */
const CHECK_MS = 5_000;
/** A node that compares nothing for so long has nothing here, whatever is known of it. */
const SILENT_MS = 15_000;
/** What is compared in one message. */
const CHECKED = 1_000;

/** What this node's clients have of other nodes, and what clients of other nodes have of this one. */
export class Relay implements AwayLink {
  readonly shared: SharedStreams;
  readonly #host: RelayHost;
  readonly #away = new Map<number, Away>();
  /** Lanes of other nodes, by their numbers. */
  readonly #lanes = new Map<string, Map<number, Lane>>();
  /** When each of them has said last what it has. */
  readonly #heard = new Map<string, number>();
  #count = 0;
  #last = 0;
  /** Nodes that have something of clients here, and how often they were told since that there is nothing. */
  readonly #homes = new Map<string, number>();
  #timer: Timer | undefined = undefined;

  constructor(host: RelayHost, share: (sink: SharedStreamsSink) => SharedStreams) {
    this.#host = host;
    this.shared = share({
      has: (key) => this.#find(key) !== undefined || host.isGone(key),
      said: (from, value) => this.#said(from, value),
      gone: (node) => this.#gone(node),
      missed: (node) => this.#missed(node),
    });
  }

  /** Watched, or fed, from other nodes. */
  get size(): number {
    return this.#count;
  }

  /** What another node keeps. It is {@link Away.ask asked for} next. */
  attach(host: AwayHost, place: Place, request: OpenRequest): Away {
    return new Away(this, host, place, request);
  }

  close(): void {
    this.#host.clock.clearTimer(this.#timer);
    this.shared.close();
  }

  // ---- for what other nodes keep

  say(to: string, value: readonly unknown[]): boolean {
    return this.shared.say(to, value);
  }

  renumber(away: Away): number {
    this.forget(away);
    this.#away.set(++this.#last, away);
    this.#homes.set(away.place.node, 0);
    this.#watch();
    return this.#last;
  }

  forget({ lane }: Away): void {
    this.#away.delete(lane);
  }

  later(goOn: () => void, ms: number): () => void {
    const { clock } = this.#host;
    const timer = clock.setTimer(goOn, ms);
    return () => clock.clearTimer(timer);
  }

  #watch(): void {
    this.#timer ??= this.#host.clock.setTimer(() => {
      this.#timer = undefined;
      for (const [node, quiet] of this.#homes) this.#compare(node, quiet);
      const before = this.#host.clock.now() - SILENT_MS;
      for (const [from, at] of this.#heard) if (at < before) this.#dropAll(from);
      if (this.#homes.size + this.#heard.size > 0) this.#watch();
    }, CHECK_MS);
  }

  /** What is only here, or only there, is lost; and what came last may be, until something comes behind it. */
  #compare(node: string, quiet: number): void {
    const lanes = [...this.#away].flatMap(([lane, { place }]) => (place.node === node ? lane : []));
    if (lanes.length > 0) this.#homes.set(node, 0);
    else if (quiet === 0) this.#homes.set(node, 1);
    else this.#homes.delete(node);
    let after = 0;
    for (let at = 0; at === 0 || at < lanes.length; at += CHECKED) {
      const part = lanes.slice(at, at + CHECKED);
      const upto = at + CHECKED < lanes.length ? (part.at(-1) as number) : this.#last;
      this.say(node, [SAY.check, after, upto, part]);
      after = upto;
    }
  }

  // ---- from other nodes

  #said(from: string, [op, lane, ...args]: readonly unknown[]): void {
    if (op === SAY.checked) return;
    if (op === SAY.check) this.#check(from, [lane, ...args]);
    else if (!isNumber(lane)) throw badInput();
    else if (isCount(op) && op >= SAY.opened) this.#answered(from, [op, lane, ...args]);
    else if (op === SAY.open) this.#open(from, lane, args);
    else if (op === SAY.stop) this.#stop(from, lane, args);
    else this.#frame(from, lane, [op, ...args]);
  }

  #answered(from: string, [op, lane, ...args]: readonly [number, number, ...unknown[]]): void {
    const away = this.#away.get(lane);
    if (away?.place.node === from) away.told(op, args);
    else if (op < SAY.end) this.say(from, [SAY.detach, lane]);
  }

  #frame(from: string, n: number, [op, value, bytes]: readonly unknown[]): void {
    const lane = this.#lanes.get(from)?.get(n);
    if (op === SAY.detach) this.#drop(from, n);
    else if (!lane) this.say(from, [SAY.again, n]);
    else if (op === SAY.bytes) lane.take?.(OWN_EVENTS.item, value, bytes);
    else if (op === SAY.whole) lane.take?.(OWN_EVENTS.end, undefined, undefined);
    else if (op !== SAY.taken || !isNumber(value) || !lane.taken(value)) throw badInput();
  }

  #check(from: string, [after, upto, lanes]: readonly unknown[]): void {
    if (!isCount(after) || !isCount(upto) || !Array.isArray(lanes) || lanes.length > CHECKED)
      throw badInput();
    if (!lanes.every(isNumber)) throw badInput();
    if (this.#heard.has(from)) this.#heard.set(from, this.#host.clock.now());
    const there = new Set<number>(lanes);
    for (const n of [...(this.#lanes.get(from)?.keys() ?? [])])
      if (n > after && n <= upto && !there.has(n)) this.#drop(from, n);
    for (const n of there) if (!this.#lanes.get(from)?.has(n)) this.say(from, [SAY.again, n]);
    this.say(from, [SAY.checked]);
  }

  #open(from: string, lane: number, args: readonly unknown[]): void {
    const [before, key, n, after, taken, items, bytes, input] = args;
    this.#drop(from, before);
    if (typeof key !== "string" || !isNumber(n) || !isCount(after) || !isCount(taken) || taken > after)
      throw badInput();
    if (!isNumber(items) || !isCount(bytes) || !Array.isArray(input)) throw badInput();
    const end = (outcome: Outcome, last = 0): void => {
      this.#remove(from, lane);
      this.#end([from, lane, n], outcome, last);
    };
    const stream = this.#host.stream(key);
    const upload = this.#host.upload(key);
    const raw = (stream ?? upload)?.raw;
    if (raw === undefined) end(this.#missing(key));
    else if (this.#count >= MOST_LANES)
      end(failure("ERR_STREAM_LIMIT", "too many are watched from other nodes"));
    else if (input.length > 0 && !this.#host.isSame(input, raw))
      end(failure("ERR_STREAM_CONFLICT", "the stream or upload of this id has another input"));
    else if (upload) this.#feed([from, lane, n], upload, { size: items, end });
    else if (stream && after > stream.work.last) end(failure("ERR_STREAM_GONE", "there is no such item"));
    else if (stream) {
      const { maxUntakenItems, maxUntakenBytes } = this.#host.limits;
      const most = { items: Math.min(items, maxUntakenItems), bytes: Math.min(bytes, maxUntakenBytes) };
      const credit = new Credit(most, taken);
      for (let seq = taken + 1; seq <= after; seq++) credit.sent(stream.work.at(seq)?.weight ?? 0);
      this.#show([from, lane, n], stream, { credit, end });
    }
  }

  #show(
    [from, lane, n]: readonly [string, number, number],
    stream: Kept<Production>,
    { credit, end }: { readonly credit: Credit; end(outcome: Outcome, last?: number): void },
  ): void {
    const { work, id } = stream;
    const touch = (): void => this.#host.touch(stream);
    const watcher = new Watcher(work, credit, {
      item: (seq, value, marked) => {
        const args = marked ? [n, seq, value, true] : [n, seq, value];
        if (this.say(from, [SAY.item, lane, seq, ...this.#encode(OWN_EVENTS.item, args)])) return;
        this.#drop(from, lane);
        end(failure("ERR_STREAM_LIMIT", "an item is too large for the cluster"));
      },
      end: (outcome) => {
        end(outcome, credit.last);
        touch();
      },
    });
    this.#add(from, lane, laneOf(watcher, touch));
    this.say(from, [SAY.opened, lane, ...this.#encode(OWN_EVENTS.opened, [n, { id }])]);
    work.watch(watcher);
    touch();
  }

  #feed(
    [from, lane, n]: readonly [string, number, number],
    { work }: Kept<IncomingUpload>,
    { size, end }: { readonly size: number; end(outcome: Outcome): void },
  ): void {
    const mine: Lane = {
      taken: () => false,
      stop: () => work.stop(),
      detach: () => work.detach(),
      take: (event, value, bytes) => work.take(event, value, bytes),
    };
    this.#add(from, lane, mine);
    work.attach({
      n,
      size,
      maxUnreadBytes: this.#host.limits.maxUnreadUploadBytes,
      peer: {
        socket: {},
        contract: undefined,
        reportError: (error, name) => this.#host.reportError(error, name),
        send: (event, [, read, upto]) =>
          void this.say(from, [SAY.granted, lane, read, upto, ...this.#encode(event, [n, read, upto])]),
        forward() {},
        // The node of the client counts them.
        holdBytes: () => true,
        releaseBytes() {},
      },
      over: (outcome) => {
        if (this.#lanes.get(from)?.get(lane) === mine) end(outcome);
      },
      settled() {},
    });
  }

  #stop(from: string, lane: number, [before, key]: readonly unknown[]): void {
    if (typeof key !== "string") throw badInput();
    this.#drop(from, before);
    this.#host.stream(key)?.work.run.stop(failure("ERR_STREAM_CANCELLED", "cancelled"));
    this.#host.upload(key)?.work.stop();
    this.say(from, [SAY.end, lane]);
  }

  #end([from, lane, n]: readonly [string, number, number], outcome: Outcome, last: number): void {
    let frame: readonly unknown[];
    try {
      frame = this.#encode(OWN_EVENTS.end, [n, outcome]);
    } catch (error) {
      // The value at the end, or the data of an error, cannot be encoded.
      this.#host.reportError(error, OWN_EVENTS.end);
      frame = this.#encode(OWN_EVENTS.end, [n, internal()]);
    }
    if (this.say(from, [SAY.end, lane, last, ...frame])) return;
    const tooLarge = failure("ERR_STREAM_LIMIT", "the end is too large for the cluster");
    this.say(from, [SAY.end, lane, last, ...this.#encode(OWN_EVENTS.end, [n, tooLarge])]);
  }

  #missing(key: string): Outcome {
    return this.#host.isGone(key)
      ? failure("ERR_STREAM_GONE", "nothing is kept under this id")
      : failure("ERR_STREAM_LOST", "its node knows nothing of the stream");
  }

  #find(key: string): unknown {
    return this.#host.stream(key) ?? this.#host.upload(key);
  }

  #encode(event: string, args: readonly unknown[]): readonly unknown[] {
    const { head, attachments } = this.#host.encode(event, args);
    return [head, attachments];
  }

  #add(from: string, n: number, lane: Lane): void {
    const lanes = this.#lanes.get(from) ?? new Map<number, Lane>();
    this.#lanes.set(from, lanes.set(n, lane));
    this.#count++;
    this.#heard.set(from, this.#host.clock.now());
    this.#watch();
  }

  #remove(from: string, n: unknown): Lane | undefined {
    const lanes = this.#lanes.get(from);
    const lane = lanes?.get(n as number);
    if (!lane) return undefined;
    lanes?.delete(n as number);
    if (lanes?.size === 0) {
      this.#lanes.delete(from);
      this.#heard.delete(from);
    }
    this.#count--;
    return lane;
  }

  /** Its client has gone away, or comes under another number. */
  #drop(from: string, n: unknown): void {
    this.#remove(from, n)?.detach();
  }

  #dropAll(from: string): void {
    for (const n of [...(this.#lanes.get(from)?.keys() ?? [])]) this.#drop(from, n);
  }

  #gone(node: string): void {
    this.#homes.delete(node);
    for (const away of [...this.#away.values()]) if (away.place.node === node) away.lost();
    this.#dropAll(node);
  }

  #missed(node: string | undefined): void {
    for (const away of [...this.#away.values()])
      if ((node ?? away.place.node) === away.place.node) away.ask();
    for (const [from, lanes] of [...this.#lanes])
      if ((node ?? from) === from)
        for (const [n, { take }] of [...lanes]) {
          // What comes next of an upload is not what it waits for.
          if (take) this.#drop(from, n);
          this.say(from, [SAY.again, n]);
        }
  }
}
