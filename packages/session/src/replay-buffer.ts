import type { EncodedPacket as Encoded } from "@sockeye/protocol";
import type { Kept, Loss } from "./counting.js";
import { Counting, messagesOf } from "./counting.js";

/** Kept by all sessions that keep nothing. Never pushed to. */
const NOTHING: Encoded[] = [];

/** What the server's end of a counted session keeps. An idle one costs no list. */
export class ReplayBuffer extends Counting implements Kept {
  packets: Encoded[] = NOTHING;
  kept = 0;
  /** Leaves alone, before all else: a client that waits for it must not wait for what comes with it in one body. */
  welcome: Encoded | undefined = undefined;
  /** What the answer to the heartbeat under way must acknowledge. */
  #expected = 0;

  protected override get queue(): Kept {
    return this;
  }

  /** Did nothing of it get through over the last transport, perhaps because it takes too long? */
  get isSlow(): boolean {
    return this.fruitless > 0;
  }

  /** Keeps packets, in order. They leave with the next {@link takeUnsent}. The array is not the caller's any more. */
  retain(packets: Encoded[]): void {
    for (const packet of packets) this.keep(packet);
    if (this.packets === NOTHING) this.packets = packets;
    else for (const packet of packets) this.packets.push(packet);
    this.kept = this.packets.length;
  }

  override takeUnsent(): Encoded[] {
    const { welcome } = this;
    this.welcome = undefined;
    return welcome ? [welcome] : super.takeUnsent();
  }

  override acknowledge(count: number): boolean {
    const isPossible = super.acknowledge(count);
    if (this.kept === 0) this.packets = NOTHING;
    return isPossible;
  }

  override forget(): void {
    super.forget();
    this.packets = NOTHING;
    this.kept = 0;
  }

  override rewind(count: number, long = false): boolean {
    const isPossible = super.rewind(count, long);
    if (isPossible) this.#expected = 0;
    return isPossible;
  }

  override suspend(loss: Loss | undefined): void {
    super.suspend(loss);
    this.welcome = undefined;
  }

  /** A heartbeat leaves after all that was handed to the transport. */
  heartbeat(): void {
    let unwritten = 0;
    for (let index = this.written; index < this.kept; index++)
      unwritten += messagesOf(this.packets[index] as Encoded);
    this.#expected = this.sent - unwritten;
  }

  /** Does what the peer has acknowledged reach up to the heartbeat that it has answered? If not, some of it was lost. */
  get answered(): boolean {
    return this.acknowledged >= this.#expected;
  }
}
