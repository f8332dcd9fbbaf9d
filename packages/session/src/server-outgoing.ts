import type { EncodedPacket } from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Bounds, SessionSink } from "./config.js";
import { isMessage } from "./counting.js";
import type { Flushable } from "./flush-scheduler.js";
import type { DropPolicy } from "./outbox.js";
import { GAP, Outbox } from "./outbox.js";
import type { Outgoing, Sender, Waiter } from "./outgoing.js";
import { MUCH_BYTES } from "./outgoing.js";
import type { ReplayBuffer } from "./replay-buffer.js";
import { isSpoilt, makeOwn, sizeOf } from "./waiting-packet.js";

const NOBODY: readonly Waiter[] = [];
const NOTHING: readonly EncodedPacket[] = [];

/** What leaves a server. What is sent of a counted session is in the replay buffer from then on, until the client has acknowledged it. */
export class ServerOutgoing implements Outgoing, Flushable {
  readonly replay: ReplayBuffer | undefined;
  readonly #session: Sender;
  readonly #sink: Pick<SessionSink, "holds" | "unwritable">;
  readonly #config: Bounds;
  #outbox: Outbox = Outbox.empty;
  /** Is it to be flushed at the end of this turn? */
  #scheduled = false;

  constructor(
    session: Sender,
    sink: Pick<SessionSink, "holds" | "unwritable">,
    config: Bounds,
    replay: ReplayBuffer | undefined,
  ) {
    this.#session = session;
    this.#sink = sink;
    this.#config = config;
    this.replay = replay;
  }

  get held(): readonly (readonly EncodedPacket[])[] {
    return [this.#outbox.packets, this.replay?.packets ?? []];
  }

  get waiting(): number {
    return this.#outbox.packets.length;
  }

  get ready(): boolean {
    return this.#session.mayWrite && this.replay?.full !== true;
  }

  get bufferedBytes(): number {
    return this.#outbox.bytes + this.#heldBytes;
  }

  send(packet: EncodedPacket, droppable: DropPolicy | undefined): void {
    const { replay } = this;
    const suspended = replay !== undefined && this.#session.state === "suspended";
    if (droppable !== undefined || this.#outbox.bytes > MUCH_BYTES || suspended)
      this.#sendIfRoom(packet, droppable);
    else this.queue(packet);
  }

  queue(packet: EncodedPacket): void {
    if (this.replay && !isMessage(packet)) this.replay.control(packet);
    else this.#ownOutbox().push(packet);
    this.schedule();
  }

  /** Behind all that waits, whatever it is. */
  append(packet: EncodedPacket): void {
    this.#ownOutbox().push(packet);
  }

  schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    this.#config.turn.add(this);
  }

  takeBack(packet: EncodedPacket): boolean {
    const outbox = this.#outbox;
    // The app gives up the oldest first, as a rule.
    const place = outbox.packets.indexOf(packet);
    if (place < 0) return false;
    outbox.packets.splice(place, 1);
    outbox.bytes -= sizeOf(packet);
    this.#config.overflow?.removed(outbox, place);
    return true;
  }

  drained(): Promise<boolean> {
    return new Promise((resolve) => this.#tellDrained([resolve]));
  }

  flush(): void {
    this.#scheduled = false;
    const session = this.#session;
    const outbox = this.#outbox;
    try {
      const batch = this.replay ? this.#nextCounted(this.replay, outbox) : this.#next(outbox);
      if (batch.length > 0) {
        const { transport, observer } = session;
        transport?.send(batch);
        observer?.onFlush(batch);
      }
    } catch (error) {
      // Whatever it was, it is of this session alone.
      const cause = new SessionError("ERR_UNWRITABLE", prose("notWritten"), error);
      this.#sink.unwritable?.(cause);
      session.end({ reason: "transport error", cause });
    }
    if (outbox !== this.#outbox && outbox.waiters) this.#tellDrained(outbox.waiters);
    session.flushed(this.#outbox === Outbox.empty && this.replay === undefined && this.#heldBytes === 0);
  }

  clear(): readonly Waiter[] {
    const { waiters = NOBODY } = this.#outbox;
    this.#outbox = Outbox.empty;
    this.replay?.forget();
    return waiters;
  }

  // ---- inside

  /** What leaves now: all that waits, if the transport can take it. */
  #next(outbox: Outbox): readonly EncodedPacket[] {
    if (outbox === Outbox.empty || !this.ready) return NOTHING;
    this.#outbox = Outbox.empty;
    const { packets } = outbox;
    return this.#readable(outbox.gaps === 0 ? packets : packets.filter((packet) => packet !== GAP));
  }

  /** The same, and what leaves is kept until the peer has it. What is no message leaves even if too much is kept already. */
  #nextCounted(replay: ReplayBuffer, outbox: Outbox): readonly EncodedPacket[] {
    if (!this.#session.mayWrite) return NOTHING;
    if (replay.welcome) this.schedule();
    else if (outbox.packets.length > 0 && !replay.full) {
      replay.retain(this.#readable(outbox.take(replay.terms.bytes - replay.retainedBytes)));
    }
    if (outbox.packets.length === 0) this.#outbox = Outbox.empty;
    return replay.takeUnsent();
  }

  /** Without those whose bytes the app has given away since it emitted them. From now on it may. */
  #readable(packets: EncodedPacket[]): EncodedPacket[] {
    // By index, and nothing is made: nearly always all are well.
    for (let index = 0; index < packets.length; index++) {
      const packet = packets[index] as EncodedPacket;
      if (typeof packet.head === "string" && packet.attachments.length === 0) continue;
      if (isSpoilt(packet)) {
        this.#sink.unwritable?.(new SessionError("ERR_UNWRITABLE", prose("wasSpoilt")));
        return this.#readable(packets.filter((other) => !isSpoilt(other)));
      }
      makeOwn(packet);
    }
    return packets;
  }

  #sendIfRoom(packet: EncodedPacket, droppable: DropPolicy | undefined): void {
    const session = this.#session;
    // A burst of a healthy connection does not pile up here.
    if (this.ready && this.#outbox.bytes > MUCH_BYTES) this.flush();
    const { overflow, suspendedOverflow } = this.#config;
    const bound = session.state === "suspended" ? suspendedOverflow : overflow;
    if (bound === undefined || this.ready) {
      this.queue(packet);
      return;
    }
    const heldBytes = this.#heldBytes + (this.replay?.retainedBytes ?? 0);
    const verdict = bound.admit(this.#ownOutbox(), packet, { droppable, heldBytes });
    if (verdict === "queue") {
      this.queue(packet);
      this.#sink.holds?.();
    } else if (verdict === "drop") droppable?.dropped?.();
    else session.end({ reason: "forced server close", cause: verdict });
  }

  /** What those who waited do now comes after what has been written; if the peer is behind again they wait on. */
  #tellDrained(waiters: readonly Waiter[]): void {
    const over = this.#session.state === "closed";
    if (over || (this.waiting === 0 && this.ready)) {
      for (const tell of waiters) tell(!over);
    } else {
      const outbox = this.#ownOutbox();
      outbox.waiters = [...(outbox.waiters ?? []), ...waiters];
    }
  }

  #ownOutbox(): Outbox {
    if (this.#outbox === Outbox.empty) this.#outbox = new Outbox();
    return this.#outbox;
  }

  get #heldBytes(): number {
    return this.#session.transport?.bufferedBytes ?? 0;
  }
}
