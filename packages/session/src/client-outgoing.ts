import type { Clock, EncodedPacket } from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { SessionSink } from "./config.js";
import type { Counting, Kept } from "./counting.js";
import { isMessage } from "./counting.js";
import type { Outgoing, Sender, Waiter } from "./outgoing.js";
import { MUCH_BYTES } from "./outgoing.js";
import { isSpoilt, sizeOf } from "./waiting-packet.js";

/** What leaves a client: one queue, of which the first are kept until the server has acknowledged them, if both ends count. */
export class ClientOutgoing implements Outgoing, Kept {
  replay: Counting | undefined = undefined;
  packets: EncodedPacket[] = [];
  kept = 0;
  readonly #session: Sender;
  readonly #sink: Pick<SessionSink, "unwritable">;
  readonly #clock: Clock;
  /** The bytes of what waits. */
  #bytes = 0;
  #waiters: Waiter[] = [];
  /** Is it to be flushed at the end of this turn? */
  #scheduled = false;

  constructor(session: Sender, sink: Pick<SessionSink, "unwritable">, clock: Clock) {
    this.#session = session;
    this.#sink = sink;
    this.#clock = clock;
  }

  get held(): readonly (readonly EncodedPacket[])[] {
    return [this.packets];
  }

  get waiting(): number {
    return this.packets.length - this.kept;
  }

  get ready(): boolean {
    return this.#session.mayWrite && !this.replay?.full;
  }

  get bufferedBytes(): number {
    return this.#bytes + (this.#session.transport?.bufferedBytes ?? 0);
  }

  send(packet: EncodedPacket): void {
    // A burst does not pile up here.
    if (this.#bytes > MUCH_BYTES && this.ready) this.flush();
    this.queue(packet);
  }

  queue(packet: EncodedPacket): void {
    if (this.replay && !isMessage(packet)) {
      this.replay.control(packet);
    } else {
      this.packets.push(packet);
      this.#bytes += sizeOf(packet);
    }
    this.schedule();
  }

  schedule(): void {
    if (!this.#scheduled) this.#clock.defer(() => this.flush());
    this.#scheduled = true;
  }

  takeBack(packet: EncodedPacket): boolean {
    // The app gives up the oldest first, as a rule.
    const place = this.packets.indexOf(packet, this.kept);
    if (place < 0) return false;
    this.packets.splice(place, 1);
    this.#bytes -= sizeOf(packet);
    return true;
  }

  drained(): Promise<boolean> {
    return new Promise((resolve) => {
      this.#waiters.push(resolve);
      this.#tellDrained();
    });
  }

  flush(): void {
    this.#scheduled = false;
    const session = this.#session;
    try {
      if (session.mayWrite) this.#write(session);
    } catch (error) {
      // Whatever it was, it is of this session alone.
      const cause = new SessionError("ERR_UNWRITABLE", prose("notWritten"), error);
      this.#sink.unwritable?.(cause);
      session.end({ reason: "transport error", cause });
    }
    session.flushed();
  }

  clear(): readonly Waiter[] {
    this.packets = [];
    this.kept = this.#bytes = 0;
    this.replay?.forget();
    return this.#waiters.splice(0);
  }

  #write({ transport, observer }: Sender): void {
    const { packets, replay } = this;
    let spoilt = 0;
    // What is no message leaves even if too much is kept already.
    while (this.kept < packets.length && !replay?.full) {
      const packet = packets[this.kept] as EncodedPacket;
      this.#bytes -= sizeOf(packet);
      if (isSpoilt(packet)) {
        packets.splice(this.kept, 1);
        spoilt++;
      } else {
        this.kept++;
        replay?.keep(packet);
      }
    }
    const batch = replay?.takeUnsent() ?? packets;
    if (!replay) {
      this.packets = [];
      this.kept = 0;
    }
    if (batch.length > 0) {
      transport?.send(batch);
      observer?.onFlush(batch);
    }
    if (spoilt > 0) {
      this.#sink.unwritable?.(new SessionError("ERR_UNWRITABLE", prose("wasSpoilt")));
    }
    this.#tellDrained();
  }

  /** What those who waited do now comes after what has been written. */
  #tellDrained(): void {
    if (this.waiting === 0 && this.ready) for (const tell of this.#waiters.splice(0)) tell(true);
  }
}
