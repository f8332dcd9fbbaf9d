import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { afterTurn, type Clock, startTimer, stopTimer, type Timer } from "@sockeye/protocol";
import type { Incoming } from "../request/incoming.js";
import { controlFrame } from "./frame.js";

/** A client on the same machine has read by then what was sent before, unless the processors are busy. */
const MOMENT_MS = 2;

/** How long it waits, on top of that, for a client that has not said that it has read. The next time it waits half as long. */
const PATIENCE_MS = 50;

/** As many as such clients, which are tests and tools for the most part, wait for one by one. */
const FIRST_BATCHES = 8;

const PING = controlFrame(0x89, new Uint8Array());

type Times = Pick<Clock, "setTimer" | "clearTimer" | "defer">;

/** Whatever fakes are in use. */
const NATIVE: Times = {
  setTimer: (callback, delayMs) => startTimer(callback, delayMs),
  clearTimer: (timer) => stopTimer(timer as NodeJS.Timeout),
  defer: (callback) => void afterTurn(callback),
};

/**
 * A client that listens only to what it waits for at the moment, first for the WebSocket to open and then for a message, misses what it reads
 * together with the thing that it has waited for. So what comes first leaves in pieces, a moment apart. A client on the same machine is
 * also asked, by a ping behind each piece: its pong says that it has read it, however long that took. Browsers need none of this, nor
 * does Sockeye's client.
 */
export class LateListener {
  readonly #socket: Duplex;
  readonly #times: Times;
  /** 0: it is not asked. */
  #patienceMs: number;
  #batches = 0;
  /** Set while it is to read what was sent. */
  #moment: Timer | undefined = undefined;
  /** `asked`: its pong has not come. `awaited`: it is time, but for that. */
  #pong: "none" | "asked" | "awaited" = "none";

  /** @param isNear is it on the same machine, and nothing in between? Then its pong is there at once, unless the machine is busy */
  constructor(socket: Duplex, isNear: boolean, times: Times = NATIVE) {
    this.#socket = socket;
    this.#times = times;
    this.#patienceMs = isNear ? PATIENCE_MS : 0;
  }

  /** Are all batches sent that it waits for one by one, and no moment is left? */
  get listens(): boolean {
    return this.#batches >= FIRST_BATCHES && this.#moment === undefined;
  }

  /** Counts a batch that is sent. */
  sent(): void {
    this.#batches++;
  }

  /** What is written from now on leaves later than what `write` writes. */
  apart(write: () => void): void {
    const socket = this.#socket;
    if (this.#moment !== undefined) {
      write();
      return;
    }
    socket.cork();
    write();
    if (this.#patienceMs > 0) {
      socket.write(PING);
      this.#pong = "asked";
    }
    socket.uncork();
    socket.cork();
    // The moment counts from when this process rests.
    this.#moment = this.#times.setTimer(() => this.#over(), MOMENT_MS);
  }

  /** A pong has come. */
  heard(): void {
    const wasAwaited = this.#pong === "awaited";
    this.#pong = "none";
    if (!wasAwaited) return;
    if (this.#moment !== undefined) this.#times.clearTimer(this.#moment);
    this.#goOn();
  }

  /** The socket has closed. */
  stop(): void {
    if (this.#moment !== undefined) this.#times.clearTimer(this.#moment);
    this.#pong = "none";
    this.#moment = undefined;
  }

  #over(): void {
    if (this.#pong !== "asked") {
      this.#goOn();
      return;
    }
    this.#pong = "awaited";
    this.#moment = this.#times.setTimer(() => {
      this.#pong = "none";
      this.#goOn();
    }, this.#patienceMs);
    this.#patienceMs = Math.floor(this.#patienceMs / 2);
  }

  /** After a turn in which a client of the same process has read. */
  #goOn(): void {
    this.#times.defer(() => {
      this.#moment = undefined;
      this.#socket.uncork();
    });
  }
}

/** Headers that proxies add. */
const PROXIES = ["x-forwarded-for", "x-real-ip", "forwarded", "via"];

/** Is the client on the same machine, with no proxy in between that says so? */
export function isNear({ req, socket }: Pick<Incoming, "req"> & { readonly socket: Duplex }): boolean {
  const address = (socket as Partial<Socket>).remoteAddress;
  const isLocal = address !== undefined && /^(?:::ffff:)?127\.|^::1$/.test(address);
  return isLocal && PROXIES.every((name) => req.headers[name] === undefined);
}
