import {
  type CloseReason,
  EncodedPacket,
  type Frame,
  type PipeEnd,
  type Transport,
  type TransportSink,
} from "@sockeye/protocol";

const PATIENCE_MS = 5_000;
const NOOP = "6";
const CLOSE = "1";

/** What a transport reported with `closed`. */
export interface Ending {
  readonly reason: CloseReason;
  readonly cause: Error | undefined;
}

/**
 * Stands where a session stands: writes what the test sends as soon as the transport lets it, and keeps what comes in.
 * NOOP packets are left out, since a pipe may send them at any time and they mean nothing. A CLOSE packet that a pipe
 * hands on, instead of ending by itself, counts as its end, as it does for a session.
 */
export class Side implements TransportSink {
  readonly frames: Frame[] = [];
  readonly endings: Ending[] = [];
  /** How many of the endings were told as losses. */
  losses = 0;
  /** Reports that came from another transport than the one under test, or that did not match its state. */
  readonly wrong: string[] = [];
  /** How often `writable` was told. */
  writables = 0;
  /** Called for each frame after it was kept. */
  onFrame: ((frame: Frame) => void) | undefined;

  #transport: Transport | undefined;
  #outbox: EncodedPacket[] = [];
  #waiting: { readonly holds: () => boolean; readonly resolve: () => void }[] = [];

  /** The transport that this side uses, once the pair is made. */
  use(transport: Transport): void {
    this.#transport = transport;
    this.#flush();
  }

  /** Queues the packets and writes them in one batch, now or once the transport is writable. */
  send(packets: readonly EncodedPacket[]): void {
    this.#outbox.push(...packets);
    this.#flush();
  }

  sendText(...frames: string[]): void {
    this.send(frames.map((frame) => new EncodedPacket(frame)));
  }

  frame(from: Transport, frame: Frame): void {
    this.#check(from, "frame");
    if (frame === NOOP) return;
    if (frame === CLOSE) {
      from.close("dead");
      this.#end(from, "transport close");
      return;
    }
    this.frames.push(frame);
    this.onFrame?.(frame);
    this.#wake();
  }

  writable(from: Transport): void {
    this.#check(from, "writable");
    if (!from.writable) this.wrong.push("writable() was told while the transport was not");
    this.writables++;
    this.#flush();
    this.#wake();
  }

  ended(from: Transport, how: PipeEnd, reason: CloseReason, cause?: Error): void {
    if (how === "lost") this.losses++;
    this.#end(from, reason, cause);
  }

  /** Resolves when `holds` does; looks again after every report. */
  until(holds: () => boolean, what: string): Promise<void> {
    if (holds()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new Error(`waited too long for ${what}; ${this.#summary()}`)),
        PATIENCE_MS,
      );
      const done = (): void => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push({ holds, resolve: done });
    });
  }

  received(count: number): Promise<void> {
    return this.until(() => this.frames.length >= count, `${count} frames`);
  }

  end(): Promise<void> {
    return this.until(() => this.endings.length > 0, "the end of the pipe");
  }

  #end(from: Transport, reason: CloseReason, cause?: Error): void {
    this.#check(from, "ended");
    if (from.writable) this.wrong.push("writable after ended()");
    this.endings.push({ reason, cause });
    this.#wake();
  }

  #flush(): void {
    if (this.#outbox.length === 0 || !this.#transport?.writable) return;
    const batch = this.#outbox;
    this.#outbox = [];
    this.#transport.send(batch);
  }

  #check(from: Transport, report: string): void {
    // Before `use` there is nothing to compare with: the pair is being made.
    if (this.#transport !== undefined && from !== this.#transport) {
      this.wrong.push(`${report}() came from another transport`);
    }
    if (this.endings.length > 0) this.wrong.push(`${report}() came after ended()`);
  }

  #wake(): void {
    if (this.#waiting.length === 0) return;
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ holds }) => !holds());
    for (const { holds, resolve } of waiting) if (holds()) resolve();
  }

  #summary(): string {
    const endings = this.endings.map(({ reason, cause }) => `${reason} (${cause})`);
    return `got ${this.frames.length} frames, ended: ${endings.join(", ") || "no"}`;
  }
}
