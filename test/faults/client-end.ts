import type { Socket } from "socket.io-client";
import type { Random } from "../fuzz/random.js";
import type { Listenable } from "../support/wait.js";
import { type History, join, type Mark, type Side } from "./history.js";
import { answerKey, answerTo, bodyOf, type Form, isBodyOf, type Kind, keyOf } from "./message.js";

/** A client of a trial: sends, and writes down what it sees. */
export class ClientEnd {
  readonly socket: Socket;
  /** Answers that it will give later. */
  owes = 0;
  readonly #history: History;
  readonly #now: () => number;
  readonly #random: Random;
  #side: Side | undefined;
  #next = 0;
  #isSuspended = false;
  /** While it is not connected: what it sends, which goes to the next conversation, and what comes before `connect`. */
  #early: { sent: Mark[]; got: Mark[] } = { sent: [], got: [] };

  constructor(socket: Socket, history: History, now: () => number, random: Random) {
    this.socket = socket;
    this.#history = history;
    this.#now = now;
    this.#random = random;
    socket.on("connect", () => this.#connected());
    socket.on("disconnect", (reason) => {
      this.#side?.partings.push({ at: now(), reason });
      this.#side = undefined;
    });
    socket.on("message", (key: string, form: Form, body: unknown, ack: unknown) =>
      this.#handle(key, form, body, ack),
    );
    socket.on("fence", (answer: () => void) => answer());
    socket.io.on("open", () => this.#watch(socket.io.engine));
  }

  /** Its session has no transport, and is to be resumed. */
  get isSuspended(): boolean {
    return this.#isSuspended;
  }

  /** Sends the next message, whether it is connected or not: it need not know. */
  send(kind: Kind, form: Form): void {
    const key = keyOf(kind, this.#next++);
    const body = bodyOf(key, form);
    if (kind === "upVolatile") {
      // Without a connection there is no conversation in which it would be sent.
      if (!this.socket.connected) return;
      this.#wrote(key);
      this.socket.volatile.emit("message", key, form, body);
      return;
    }
    this.#wrote(key);
    if (kind !== "upWithAck") this.socket.emit("message", key, form, body);
    else this.socket.emit("message", key, form, body, (answer: unknown) => this.#answered(key, answer));
  }

  /** Says goodbye, and begins a new conversation. */
  leave(): void {
    this.socket.disconnect();
    this.socket.connect();
  }

  /** Resolves once everything that was sent before has been handled, or never. */
  fence(): Promise<void> {
    return new Promise((resolve) => this.socket.emit("fence", resolve));
  }

  #connected(): void {
    const { id = "", recovered } = this.socket;
    const { sent, got } = this.#early;
    this.#early = { sent: [], got: [] };
    this.#side = join(this.#history.atClient, id, { at: this.#now(), recovered });
    this.#side.sent.push(...sent);
    this.#side.got.push(...got);
  }

  #handle(key: string, form: Form, body: unknown, ack: unknown): void {
    this.#read(key);
    if (!isBodyOf(key, form, body)) this.#history.faults.push(`${key} arrives at the client damaged`);
    // With recovery Socket.IO's handlers get one argument more, which is no function.
    if (typeof ack !== "function") return;
    const answer = (): void => {
      this.#wrote(answerKey(key));
      ack(answerTo(key));
    };
    const side = this.#side;
    const late = (): void => {
      this.owes -= 1;
      if (side !== undefined && side === this.#side) answer();
    };
    if (this.#random.chance(0.7)) {
      answer();
      return;
    }
    this.owes += 1;
    setTimeout(late, this.#random.below(50));
  }

  #answered(key: string, answer: unknown): void {
    this.#read(answerKey(key));
    if (answer !== answerTo(key))
      this.#history.faults.push(`${key} gets the wrong answer: ${String(answer)}`);
  }

  #wrote(key: string): void {
    (this.#side ?? this.#early).sent.push({ key, at: this.#now() });
  }

  #read(key: string): void {
    (this.#side ?? this.#early).got.push({ key, at: this.#now() });
  }

  /** Suspend and resume take turns, in each session. */
  #watch(engine: Listenable): void {
    const turn = (isSuspended: boolean): void => {
      const what = isSuspended ? "suspend" : "resume";
      if (this.#isSuspended === isSuspended) this.#history.faults.push(`a second ${what} at the client`);
      this.#isSuspended = isSuspended;
      this.#history[isSuspended ? "suspended" : "resumed"] += 1;
    };
    this.#isSuspended = false;
    engine.on("suspend", () => turn(true));
    engine.on("resume", () => turn(false));
  }
}
