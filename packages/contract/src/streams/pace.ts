/** Bytes of one piece of an upload. */
export const PIECE = 16_384;

/** How long it is believed how fast an answer comes when nothing is in its way. */
const BELIEVED_MS = 5000;

/** How much longer a piece may take than one that goes alone, before it is taken for queued. */
const QUEUED = 1.5;

/** What may be lost in a turn of either end. */
const SLACK_MS = 1;

interface Sent {
  readonly upto: number;
  readonly at: number;
  /** Was nothing else under way? */
  readonly alone: boolean;
}

/**
 * How much of an upload may be under way, so that an event that is emitted meanwhile waits for about as long as its own way takes, on whatever
 * network: more while pieces are taken as fast as a single one, less once they queue. Now and then one goes alone, to learn how fast that is.
 */
export class Pace {
  readonly #sent: Sent[] = [];
  #most = PIECE;
  #upto = 0;
  #read = 0;
  #base = Number.POSITIVE_INFINITY;
  /** Pieces up to here were under way when it slowed down last. */
  #slowedAt = 0;
  /** Has it ever been too fast? Until then it speeds up by half in each round trip. */
  #isSteady = false;
  #basedAt = Number.NEGATIVE_INFINITY;

  /** @param at bytes that are there already */
  constructor(at = 0) {
    this.#upto = this.#read = at;
  }

  /** How many bytes may leave now: none, or those of a piece. */
  room(now: number): number {
    const under = this.#upto - this.#read;
    if (under === 0) return PIECE;
    if (now - this.#basedAt > BELIEVED_MS) return 0;
    return under + PIECE <= this.#most ? PIECE : 0;
  }

  sent(bytes: number, now: number): void {
    const alone = this.#upto === this.#read;
    this.#upto += bytes;
    this.#sent.push({ upto: this.#upto, at: now, alone });
  }

  /** All up to here has been read. */
  taken(read: number, now: number): void {
    this.#read = Math.max(this.#read, Math.min(read, this.#upto));
    let last: Sent | undefined;
    while (this.#sent[0] && this.#sent[0].upto <= this.#read) last = this.#sent.shift();
    if (!last) return;
    const tookMs = now - last.at;
    if (last.alone) this.#basedAt = now;
    if (last.alone || tookMs < this.#base) this.#base = tookMs;
    if (tookMs > QUEUED * this.#base + SLACK_MS) {
      // Once for what was under way: the next answers say the same.
      if (last.upto <= this.#slowedAt) return;
      this.#most = Math.max(PIECE, this.#most * 0.7);
      this.#slowedAt = this.#upto;
      this.#isSteady = true;
    } else {
      // No more than is of use: a line that is not full says nothing of a queue.
      const step = this.#isSteady ? (PIECE * PIECE) / this.#most : PIECE / 2;
      this.#most = Math.min(this.#most + step, this.#upto - this.#read + 3 * PIECE);
    }
  }
}
