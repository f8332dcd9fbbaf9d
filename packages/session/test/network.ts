import type { EncodedPacket, Frame, PipeClose, Transport, TransportSink } from "@sockeye/protocol";

/** What is under way between two ends. Nothing arrives until a test says so. */
export class Wire {
  readonly #underWay: (() => void)[] = [];
  /** Does it still carry anything? */
  alive = true;

  get idle(): boolean {
    return this.#underWay.length === 0;
  }

  carry(arrive: () => void): void {
    if (this.alive) this.#underWay.push(arrive);
  }

  /** The oldest thing under way arrives. */
  step(): void {
    this.#underWay.shift()?.();
  }

  /** Everything arrives, and what that leads to. */
  drain(): void {
    for (let steps = 0; !this.idle; steps++) {
      if (steps > 10_000) throw new Error("the wire never comes to rest");
      this.step();
    }
  }
}

/** What both ends of both pipes have in common. */
abstract class End implements Transport {
  sink: TransportSink | undefined;
  /** As when the network is behind. */
  held = false;
  closed = false;
  paused = false;

  constructor(
    readonly name: string,
    protected readonly wire: Wire,
  ) {}

  abstract readonly peer: End;
  abstract get free(): boolean;
  abstract send(batch: readonly EncodedPacket[]): void;

  get writable(): boolean {
    return !this.closed && !this.held && !this.paused && this.free;
  }

  bind(sink: TransportSink): void {
    this.sink = sink;
  }

  pause(done: () => void): void {
    this.paused = true;
    done();
  }

  resume(): void {
    this.paused = false;
    this.tellWritable();
  }

  close(_how: PipeClose): void {
    if (this.closed) return;
    this.closed = true;
    this.wire.carry(() => this.peer.broken("transport close"));
  }

  /** The end of the pipe, as this end notices it. */
  broken(reason: "transport close" | "transport error"): void {
    if (this.closed) return;
    this.closed = true;
    this.sink?.ended(this, "closed", reason, new Error(reason));
  }

  release(): void {
    if (!this.held) return;
    this.held = false;
    this.tellWritable();
  }

  tellWritable(): void {
    if (this.writable) this.sink?.writable(this);
  }

  protected deliver(frames: readonly Frame[]): void {
    for (const frame of frames) if (!this.closed) this.sink?.frame(this, frame);
  }

  protected static framesOf(batch: readonly EncodedPacket[]): Frame[] {
    return batch.flatMap(({ head, attachments }) => [head, ...attachments]);
  }
}

/** One end of a pipe that carries both ways at any time, like a WebSocket. */
export class DuplexEnd extends End {
  declare peer: DuplexEnd;
  readonly free = true;

  send(batch: readonly EncodedPacket[]): void {
    const frames = End.framesOf(batch);
    this.wire.carry(() => this.peer.deliver(frames));
  }
}

export function duplex(name: string, wire: Wire): { client: DuplexEnd; server: DuplexEnd } {
  const client = new DuplexEnd(name, wire);
  const server = new DuplexEnd(name, wire);
  client.peer = server;
  server.peer = client;
  return { client, server };
}

/** Engine packets with which polling says that it is over, and that there is nothing to say. */
const CLOSE = "1";
const NOOP = "6";

/** The serving end of {@link polling}: it can send once for each poll. */
export class PolledEnd extends End {
  declare peer: PollingEnd;
  polled = false;
  #last: Frame | undefined;

  get free(): boolean {
    return this.polled;
  }

  send(batch: readonly EncodedPacket[]): void {
    this.polled = false;
    const frames = End.framesOf(batch);
    this.wire.carry(() => this.peer.answered(frames));
  }

  poll(): void {
    this.polled = true;
    if (this.#last !== undefined) this.#answer(this.#last);
    this.tellWritable();
  }

  /** Answers the poll that waits, or the next one. */
  override close(how: PipeClose): void {
    if (this.closed) return;
    this.closed = true;
    this.#last = how === "goodbye" ? CLOSE : NOOP;
    if (this.polled) this.#answer(this.#last);
  }

  #answer(frame: Frame): void {
    this.polled = false;
    this.wire.carry(() => this.peer.answered([frame]));
  }

  posted(frames: readonly Frame[]): void {
    this.deliver(frames);
    this.wire.carry(() => this.peer.accepted());
  }
}

/** The dialling end: one poll and one post at a time; what is under way holds up a pause. */
export class PollingEnd extends End {
  declare peer: PolledEnd;
  #polling = false;
  #posting = false;
  #onPaused: (() => void) | undefined;

  get free(): boolean {
    return !this.#posting;
  }

  start(): this {
    this.#poll();
    return this;
  }

  send(batch: readonly EncodedPacket[]): void {
    this.#posting = true;
    const frames = End.framesOf(batch);
    this.wire.carry(() => this.peer.posted(frames));
  }

  /** Without a goodbye nobody is told, unless a request breaks off. */
  override close(how: PipeClose): void {
    if (this.closed) return;
    this.closed = true;
    if (how === "goodbye") this.wire.carry(() => this.peer.posted([CLOSE]));
    else if (this.#polling || this.#posting) this.wire.carry(() => this.peer.broken("transport error"));
  }

  override pause(done: () => void): void {
    this.paused = true;
    this.#onPaused = done;
    this.#settle();
  }

  override resume(): void {
    if (!this.paused) return;
    this.#onPaused = undefined;
    this.paused = false;
    this.#poll();
    this.tellWritable();
  }

  answered(frames: readonly Frame[]): void {
    this.#polling = false;
    this.deliver(frames);
    this.#poll();
    this.#settle();
  }

  accepted(): void {
    this.#posting = false;
    this.tellWritable();
    this.#settle();
  }

  #poll(): void {
    if (this.#polling || this.paused || this.closed) return;
    this.#polling = true;
    this.wire.carry(() => this.peer.poll());
  }

  #settle(): void {
    if (this.#polling || this.#posting) return;
    const done = this.#onPaused;
    this.#onPaused = undefined;
    done?.();
  }
}

export function polling(name: string, wire: Wire): { client: PollingEnd; server: PolledEnd } {
  const client = new PollingEnd(name, wire);
  const server = new PolledEnd(name, wire);
  client.peer = server;
  server.peer = client;
  client.start();
  return { client, server };
}
