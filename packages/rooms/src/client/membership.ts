import type { Timer } from "@sockeye/protocol";
import { OWN_EVENTS } from "@sockeye/protocol";
import type { ExtensionHost } from "@sockeye/socket";
import { codeOf, isCut, RoomError, send } from "./asking.js";
import { Follower } from "./follower.js";
import { type Fields, type Heard, readEvent } from "./wire.js";

/** What a join has brought. */
export interface Joined {
  /** Has every event since the position come, or does it come next? False says that some are lost. */
  readonly complete: boolean;
  /** After the newest event; `undefined` where nothing is kept. */
  readonly position: string | undefined;
}

/** Who hears of a {@link Membership}. */
export interface MembershipSink {
  /** It is in, or in again: before the events that it has missed. @param answer of the server */
  joined(joined: Joined, answer: Fields): void;
  event(heard: Heard): void;
  /** It is out, whichever end wished it. @param error why, unless the app did */
  out(error?: unknown): void;
  /** The server wished it. @param error why, if it was refused when it came back */
  putOut(error: unknown): void;
}

interface Waiter {
  resolve(joined: Joined): void;
  reject(error: unknown): void;
}

/** Ms until it asks again for what the server could not give just now. */
const AGAIN_MS = 10_000;

const OUT: Joined = { complete: false, position: undefined };

/** One room of one socket: in or out, over any number of connections. */
export class Membership {
  readonly #name: string;
  readonly #host: ExtensionHost;
  readonly #sink: MembershipSink;
  readonly #follower = new Follower();
  #phase: "out" | "joining" | "in" = "out";
  #isWanted = false;
  /** Has it been in since it was wanted? */
  #wasIn = false;
  /** What the app has asked for, until it was answered. */
  #since: string | undefined;
  /** Which join is under way: answers to others mean nothing. */
  #turn = 0;
  /** Another one each time that the app starts over. */
  #life = 0;
  #waiters: Waiter[] = [];
  #timer: Timer | undefined;
  /** Snapshots that are being read, and what waits for them. */
  #reads = 0;
  #behind: Heard[] = [];

  constructor(name: string, host: ExtensionHost, sink: MembershipSink) {
    this.#name = name;
    this.#host = host;
    this.#sink = sink;
  }

  get isIn(): boolean {
    return this.#phase === "in";
  }

  get position(): string | undefined {
    return this.#follower.position;
  }

  join(since: string | undefined): Promise<Joined> {
    const begins = !this.#isWanted || since !== undefined;
    if (!begins && this.isIn) return Promise.resolve({ complete: true, position: this.position });
    const answer = new Promise<Joined>((resolve, reject) => this.#waiters.push({ resolve, reject }));
    if (begins) {
      this.#begin();
      this.#isWanted = true;
      this.#since = since;
      this.#follower.restart(since);
      if (this.#host.connected) this.#enter();
    }
    return answer;
  }

  leave(): void {
    if (!this.#isWanted) return;
    this.#out();
    this.#sayLeave();
    for (const { resolve } of this.#waiters.splice(0)) resolve(OUT);
  }

  /** Holds back what comes until the promise is settled, from a position on that is known before. */
  behind<T>(read: () => T | PromiseLike<T>): Promise<T> {
    return this.join(undefined).then(() => {
      const life = this.#life;
      const release = (): void => {
        if (life === this.#life && --this.#reads === 0) this.#showAll(this.#behind.splice(0));
      };
      this.#reads++;
      const reading = new Promise<T>((resolve) => resolve(read()));
      reading.then(release, release);
      return reading;
    });
  }

  // ---- from the socket

  connected(): void {
    if (this.#isWanted) this.#enter();
  }

  disconnected(): void {
    this.#turn++;
    this.#phase = "out";
    this.#host.clock.clearTimer(this.#timer);
  }

  take(envelope: unknown): void {
    const heard = readEvent(envelope);
    if (heard === undefined || this.#phase === "out") return;
    const verdict = this.#follower.take(heard);
    if (verdict === "gap") this.#enter();
    if (verdict === "show") this.#show(heard);
  }

  /** The server has put it out. */
  left(): void {
    if (!this.isIn) return;
    this.#out(new RoomError("ERR_ROOM_FORBIDDEN", "the server has put it out"));
    this.#sink.putOut(undefined);
  }

  // ---- inside

  #enter(): void {
    const turn = ++this.#turn;
    const since = this.position ?? this.#since;
    this.#phase = "joining";
    this.#follower.hold();
    const request = { room: this.#name, ...(since === undefined ? {} : { since }) };
    send(this.#host, OWN_EVENTS.join, request, (error, answer) => {
      if (turn !== this.#turn) return;
      if (error) this.#failed(error);
      else this.#entered(answer);
    });
  }

  #entered(answer: Fields): void {
    const isBack = this.#wasIn;
    // Where nothing is kept nobody knows what was missed.
    const wasCounted = this.position !== undefined;
    const caughtUp = this.#follower.release(answer["position"], answer["complete"] === true);
    const complete = caughtUp.complete && (wasCounted || !isBack);
    this.#phase = "in";
    this.#wasIn = true;
    this.#since = undefined;
    const joined: Joined = { complete, position: this.position };
    for (const { resolve } of this.#waiters.splice(0)) resolve(joined);
    const life = this.#life;
    this.#sink.joined(joined, answer);
    if (life === this.#life) this.#showAll(caughtUp.events);
  }

  #failed(error: unknown): void {
    this.#phase = "out";
    if (isCut(error)) return;
    const code = codeOf(error);
    if (this.#wasIn && code !== "ERR_ROOM_FORBIDDEN" && code !== "ERR_ROOM_REQUEST") {
      this.#timer = this.#host.clock.setTimer(() => this.#enter(), AGAIN_MS);
      return;
    }
    const isBack = this.#wasIn;
    this.#out(error);
    this.#sayLeave();
    for (const { reject } of this.#waiters.splice(0)) reject(error);
    if (isBack) this.#sink.putOut(error);
  }

  #out(error?: unknown): void {
    this.disconnected();
    this.#begin();
    this.#isWanted = false;
    this.#follower.restart();
    this.#sink.out(error);
  }

  #begin(): void {
    this.#life++;
    this.#wasIn = false;
    this.#reads = 0;
    this.#behind = [];
  }

  #sayLeave(): void {
    if (this.#host.connected) send(this.#host, OWN_EVENTS.leave, { room: this.#name }, () => {});
  }

  #showAll(events: readonly Heard[]): void {
    const life = this.#life;
    // A listener may leave.
    for (const heard of events) if (life === this.#life) this.#show(heard);
  }

  #show(heard: Heard): void {
    if (this.#reads > 0) this.#behind.push(heard);
    else this.#sink.event(heard);
  }
}
