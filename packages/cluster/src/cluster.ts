import type { Bus, BusLog, BusRecords, Clock, SockeyeError } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import { FrameFormat, Kind, type Message } from "./frame.js";
import { Hearing } from "./hearing.js";
import { Incoming } from "./incoming.js";
import { type Introduction, pack, packLoad, readIntroduction, readLoad } from "./introduction.js";
import { NamespaceLog, type NamespaceLogTerms } from "./log/namespace-log.js";
import type { Changed, Member, NodeLoad } from "./membership.js";
import { FORGET_MS, Membership } from "./membership.js";
import { Outbox } from "./outbox.js";
import { OwnNode } from "./own-node.js";
import { Parties } from "./parties.js";
import { Publisher } from "./publisher.js";
import type { Question } from "./queries.js";
import { Queries } from "./queries.js";
import { Readiness } from "./readiness.js";
import type { Outcome, RequestTerms } from "./requests.js";
import type { ClusterStats, ClusterTerms, Party } from "./terms.js";
import { nodeOf, requireClusterName, Topics, wideOf } from "./topics.js";
import { badInput } from "./wire.js";

const LOOK_MS = 1_000;
const BEAT_MS = 2_000;

/** The nodes of one cluster, as one of them sees it: who there is, and what they say to each other. One for each server. */
export class Cluster {
  readonly members: Membership = new Membership();
  /** Resolves once the others are known, or after 2 s. Rejects with `ERR_CLUSTER_MISMATCH` if they are of another kind. */
  readonly ready: Promise<void>;
  readonly #readiness = new Readiness();
  readonly #terms: ClusterTerms;
  readonly #own: OwnNode;
  readonly #topics: Topics;
  /** Writes the frames of this node, and reads those of others. */
  readonly format: FrameFormat;
  readonly #incoming: Incoming;
  readonly #outbox: Outbox;
  readonly #publisher: Publisher;
  readonly #queries: Queries;
  readonly hearing: Hearing;
  readonly #parties = new Parties();
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #echoes = 0;
  #beatAt = 0;
  #gaps = 0;
  #subscribing: string[] = [];
  #looking: unknown;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(terms: ClusterTerms) {
    requireClusterName(terms.name);
    const { bus, clock, sink } = terms;
    this.#terms = terms;
    this.#own = new OwnNode(terms);
    this.#topics = new Topics(terms.name);
    this.format = new FrameFormat(this.id, terms.secret);
    this.#incoming = new Incoming(this.format);
    this.#outbox = new Outbox({ bus, clock, format: this.format, failed: (error) => sink.failed(error) });
    this.#publisher = new Publisher(this.format, this.#outbox);
    this.hearing = new Hearing(clock.now());
    this.ready = this.#readiness.settled;
    this.#queries = new Queries({
      clock,
      send: (to, body) => this.publish([this.#topics.node(to)], Kind.ANSWER, body),
      asked: (group, question, reply) => this.#parties.asked(group, question, reply),
      failed: (error) => this.failed(error),
    });
  }

  get id(): string {
    return this.#own.id;
  }

  /** The last four characters of the ids of this node's sessions and sockets. Settled once it is {@link ready}. */
  get tag(): string {
    return this.#own.tag;
  }

  get isReady(): boolean {
    return this.#readiness.isSettled;
  }

  get name(): string {
    return this.#terms.name;
  }

  get clock(): Clock {
    return this.#terms.clock;
  }

  /** What nothing overtakes on it: `all`, or only within a namespace; and what it takes. */
  get bus(): Pick<Bus, "order" | "maxBytes"> {
    return this.#terms.bus;
  }

  /** Does the bus work? */
  get isUp(): boolean {
    return this.#state === "up";
  }

  get stats(): ClusterStats {
    const { droppedCount: dropped, waitingBytes } = this.#outbox;
    return { gaps: this.#gaps, dropped, waitingBytes, lagMs: this.hearing.lagMs(this.clock.now()) };
  }

  /** This node, as the others see it. */
  get self(): Member {
    return this.#own.member;
  }

  /** @param address where the internal listener of this node is */
  start(address?: string): void {
    const { bus, clock } = this.#terms;
    this.#own.address = address;
    this.hearing.began(clock.now());
    this.#subscribing.push(this.#topics.wide, this.#topics.node(this.id));
    this.#subscribe();
    this.#look();
    this.#readiness.start(clock);
    bus
      .open({
        message: (topic, bytes, at) => {
          if (at) this.#parties.of(topic)?.logged?.({ topic, bytes, at });
          else this.#message(topic, bytes);
        },
        subscribed: (topics) => this.#subscribed(topics),
        up: (gap) => this.#up(gap),
        down: (cause) => this.#down(cause),
      })
      .then(
        () => this.#opened(),
        (cause: unknown) =>
          this.#down(new ClusterError("ERR_BUS_DOWN", "the bus could not be opened", cause)),
      );
  }

  /** Tells the others now what they would hear with the next beat. */
  beat(): void {
    this.#beatAt = this.clock.now() + BEAT_MS * (0.8 + Math.random() * 0.4);
    if (this.isUp) this.hearing.said(this.clock.now());
    this.publish([this.#topics.wide], Kind.BEAT, packLoad(this.#terms.load()));
  }

  /** Says goodbye, and ends. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    this.publish([this.#topics.wide], Kind.BYE, pack([]));
    this.#outbox.flush();
    this.#state = "closed";
    this.clock.clearTimer(this.#looking);
    this.#queries.close();
    this.#readiness.reached();
    await this.#terms.bus.close();
  }

  // ---- for the adapters

  /** What the bus keeps, if it keeps logs and records. */
  get keeps(): { readonly log: BusLog; readonly records: BusRecords } | undefined {
    const { log, records } = this.#terms.bus;
    return log && records && { log, records };
  }

  /** The log of a namespace. */
  openLog(log: BusLog, topics: Topics, given: Pick<NamespaceLogTerms, "keep" | "apply">): NamespaceLog {
    return new NamespaceLog({
      ...given,
      log,
      topics,
      clock: this.clock,
      format: this.format,
      id: this.id,
      nextSeq: () => this.nextSeq(),
      gap: (dropped) => {
        if (dropped > 0) this.publish([this.#topics.wide], Kind.GAP, pack([dropped]));
        else this.#gap(undefined);
      },
      failed: (error) => {
        // Of that the bus itself tells.
        if (!(error instanceof ClusterError && error.code === "ERR_BUS_DOWN")) this.failed(error);
      },
    });
  }

  /** @param namespace left out: the cluster's own */
  topicsOf(namespace?: string): Topics {
    return new Topics(this.name, namespace);
  }

  join(topics: Topics, party: Party): void {
    this.#parties.join(topics, party);
  }

  leave(topics: Topics, party: Party): void {
    this.#parties.leave(topics, party);
  }

  /** What a turn asks for is asked for together. {@link Party.subscribed} tells once it is in force. */
  subscribe(topic: string): void {
    if (this.#subscribing.push(topic) === 1) this.clock.defer(() => this.#subscribe());
  }

  unsubscribe(topics: readonly string[]): void {
    if (topics.length > 0 && this.#state !== "closed") this.#terms.bus.unsubscribe(topics);
  }

  /** One message, for all of these topics of a group; who hears several of them gets it once. */
  publish(topics: readonly string[], kind: Kind, body: Uint8Array): void {
    if (this.#state !== "closed") this.#publisher.publish(topics, kind, body);
  }

  /** Something that all others are to do, in the order of the topic. */
  act(topics: Topics, op: string, args: readonly unknown[]): void {
    this.publish([topics.wide], Kind.ACT, pack([op, args]));
  }

  /** The same for one node. Told to the party of this group there. @param group left out: the cluster's own */
  tell(node: string, op: string, args: readonly unknown[], group?: string): void {
    this.publish([this.#topics.node(node)], Kind.ACT, pack(group ? [op, args, group] : [op, args]));
  }

  /** A number for something that begins at this node, higher than any before it. */
  nextSeq(): number {
    return this.#publisher.nextSeq();
  }

  /** Is what a node says to be taken? If not, {@link Party.missed} tells once it is. */
  takes(node: string): boolean {
    const isThere = (this.members.get(node)?.state ?? "down") !== "down";
    if (!isThere) this.#parties.away(node);
    return isThere;
  }

  /**
   * Asks all live nodes about a namespace.
   *
   * @throws CodecError `ERR_UNENCODABLE`
   */
  ask(topics: Topics, { op, args }: Question, terms: RequestTerms): Promise<Outcome> {
    // What must not overtake goes the way of the namespace; there, a node without it does not answer.
    const topic = this.bus.order === "all" || op !== "join" ? this.#topics.wide : topics.wide;
    const send = (body: Uint8Array): void => this.publish([topic], Kind.ASK, body);
    return this.#queries.ask(this.members.live(), { group: topics.group, op, args }, { ...terms, send });
  }

  /** The names of nodes, for people. */
  names(ids: readonly string[]): string[] {
    return ids.map((id) => this.members.get(id)?.name ?? id);
  }

  /** A link to a node broke: it is suspected until it is heard again. */
  suspect(id: string): void {
    this.#changed(this.members.suspect(id));
  }

  // ---- the bus

  #opened(): void {
    if (this.#state === "closed") return;
    if (this.#state === "starting") this.#up(false);
    this.#terms.bus.will?.(this.#topics.wide, this.#publisher.testament(this.#topics.wide));
  }

  #up(gap: boolean): void {
    if (this.#state === "closed" || this.#state === "up") return;
    this.#state = "up";
    this.hearing.began(this.clock.now());
    if (gap) this.#incoming.gapTold(this.clock.now(), (id) => this.members.get(id) !== undefined);
    const dropped = this.#outbox.up();
    this.#hello(this.#topics.wide);
    if (dropped > 0) this.publish([this.#topics.wide], Kind.GAP, pack([dropped]));
    this.#outbox.flush();
    this.#told("up", undefined);
    if (gap || dropped > 0) this.#gap(undefined);
  }

  #down(cause: SockeyeError): void {
    if (this.#state === "closed" || this.#state === "down") return;
    this.#state = "down";
    this.#outbox.down();
    this.#told("down", cause);
  }

  #told(state: "up" | "down", cause: SockeyeError | undefined): void {
    this.#parties.bus(state);
    this.#terms.sink.bus(state, cause);
  }

  #subscribe(): void {
    const topics = this.#subscribing;
    this.#subscribing = [];
    if (topics.length > 0 && this.#state !== "closed") this.#terms.bus.subscribe(topics);
  }

  #subscribed(topics: readonly string[]): void {
    for (const topic of topics) this.#parties.of(topic)?.subscribed(topic);
  }

  #message(topic: string, bytes: Uint8Array): void {
    if (this.#state === "closed") return;
    const now = this.clock.now();
    if (this.format.isOwn(bytes)) {
      if (topic === this.#topics.wide) this.#echo(now);
      return;
    }
    try {
      const { origin, messages, gap, unanswered } = this.#incoming.read(topic, bytes, now);
      // What was said before, and comes once more, is no sign of life.
      if (messages.length > 0) this.#changed(this.members.heard(origin, undefined, now));
      if (gap) this.#gap(this.members.get(origin));
      if (unanswered) this.#hello(this.#topics.node(origin));
      for (const message of messages) this.#handle(topic, origin, message);
    } catch (error) {
      this.failed(error);
    }
  }

  /** This node hears itself. */
  #echo(now: number): void {
    this.hearing.heard(now);
    this.#echoes += 1;
    // Those who answer the first message have answered when the second one is back.
    if (this.#echoes === 1 && !this.isReady) this.beat();
    else this.#readiness.reached();
  }

  // ---- messages

  #handle(topic: string, origin: string, { kind, body, seq }: Message): void {
    try {
      switch (kind) {
        case Kind.HELLO:
          this.#introduced(readIntroduction(body, origin), true);
          return;
        case Kind.HERE:
          this.#answered(readIntroduction(body, origin));
          return;
        case Kind.BEAT:
          this.#beaten(origin, readLoad(body));
          return;
        case Kind.BYE:
          this.#changed(this.members.left(origin));
          return;
        case Kind.GAP:
          this.#gap(this.members.get(origin));
          return;
        case Kind.EVENT:
          this.#parties.of(topic)?.event(body, origin, seq);
          return;
        case Kind.ACT:
          this.#parties.act(topic, body, origin);
          return;
        case Kind.ASK:
          this.#queries.question(origin, body);
          return;
        case Kind.ANSWER:
          this.#queries.answer(origin, body);
          return;
        default:
      }
    } catch (error) {
      this.failed(error);
    }
  }

  #introduced(said: Introduction, isHello: boolean): void {
    const why = this.#own.mismatch(said);
    if (why !== undefined) {
      // Those who were here before stay.
      if (isHello) this.#introduce(said.facts.id);
      else this.#refuse(`${said.facts.name} ${why}`);
      return;
    }
    if (this.#own.givesWayTo(said, this.isReady)) this.#hello(this.#topics.wide);
    this.#changed(this.members.introduced(said.facts, said.load, this.clock.now()));
    if (isHello) this.#introduce(said.facts.id);
  }

  #answered(said: Introduction): void {
    this.#introduced(said, false);
    // What goes another way than the answer may still be under way.
    const groups = [this.#topics.group, ...(this.bus.order === "all" ? this.#parties.groups() : [])];
    const heard = groups.flatMap((group) => [wideOf(group), nodeOf(group, this.id)]);
    if (this.#incoming.said(said.facts.id, said.numbers, heard)) this.#gap(this.members.get(said.facts.id));
  }

  #refuse(why: string): void {
    if (this.#state === "closed") return;
    const text = `This server cannot join the cluster "${this.name}": ${why}.`;
    const error = new ClusterError("ERR_CLUSTER_MISMATCH", text);
    this.#readiness.refused(error);
    this.failed(error);
    this.close().catch((failure: unknown) => this.failed(failure));
  }

  #introduce(to: string): void {
    const said = this.#own.introduction(this.isReady, this.#publisher.numbersFor(to));
    this.publish([this.#topics.node(to)], Kind.HERE, said);
  }

  #hello(topic: string): void {
    this.publish([topic], Kind.HELLO, this.#own.introduction(this.isReady));
  }

  #beaten(origin: string, load: NodeLoad): void {
    if (this.members.get(origin)) this.#changed(this.members.heard(origin, load, this.clock.now()));
    // Its hello was before our time: it says who it is to every node that says hello.
    else this.#hello(this.#topics.node(origin));
  }

  // ---- time

  #look(): void {
    const { bus, clock } = this.#terms;
    this.#looking = clock.setTimer(() => this.#look(), LOOK_MS);
    const now = clock.now();
    for (const changed of this.members.look(now, LOOK_MS)) this.#changed(changed);
    this.#incoming.forgetSilent(now - FORGET_MS);
    if (this.#state !== "up") return;
    if (now >= this.#beatAt) this.beat();
    if (this.hearing.isDeaf(now)) bus.restart();
  }

  // ---- what follows

  #changed(changed: Changed | undefined): void {
    if (!changed) return;
    const { change, member } = changed;
    if (change === "suspected" || change === "lost") this.#queries.gone(member.id, true);
    if (change === "left") {
      this.#queries.gone(member.id, false);
      this.#incoming.forget(member.id);
      this.#publisher.forget(member.id);
    }
    if (change === "lost" || change === "left") this.#parties.gone(member.id);
    else if (change !== "suspected") this.#parties.back(member.id);
    this.#terms.sink.changed(changed);
  }

  #gap(node?: Member): void {
    this.#gaps += 1;
    this.#parties.missed(node?.id);
    this.#terms.sink.gap(node);
  }

  failed(error: unknown): void {
    const known = error instanceof ClusterError ? error : badInput("it could not be handled", error);
    this.#terms.sink.failed(known);
  }
}
