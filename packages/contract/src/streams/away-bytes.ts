import { OWN_EVENTS } from "@sockeye/protocol";
import { isCount, SAY } from "./between-nodes.js";
import type { StreamPeer } from "./stream-peer.js";

/** The most bytes of one message between nodes. */
const MOST_BYTES = 65_536;

/** The bytes of an upload that another node takes: those that were not read there stay here, for they may have to be said again. */
export class AwayBytes {
  readonly #peer: Pick<StreamPeer, "holdBytes" | "releaseBytes">;
  readonly #say: (op: number, ...args: readonly unknown[]) => void;
  /** What has come of the client, from {@link #read} on. */
  #pieces: Uint8Array[] = [];
  #read = 0;
  #received = 0;
  #sent = 0;
  /** Up to where the client may send, and this node. */
  #upto = 0;
  #granted = 0;
  /** Has the client sent all, and was that said? */
  #isWhole = false;
  #isWholeSaid = false;
  /** `asked`: what is sent now, the other node does not take. */
  #state: "new" | "asked" | "taken" = "new";

  constructor(
    peer: Pick<StreamPeer, "holdBytes" | "releaseBytes">,
    say: (op: number, ...args: readonly unknown[]) => void,
  ) {
    this.#peer = peer;
    this.#say = say;
  }

  asked(): void {
    if (this.#state === "taken") this.#state = "asked";
  }

  /** A frame of the client. @returns false if it is none */
  take(event: unknown, at: unknown, bytes: unknown): boolean {
    if (this.#state === "new" || this.#isWhole) return false;
    if (event === OWN_EVENTS.end) this.#isWhole = true;
    else {
      if (event !== OWN_EVENTS.item || at !== this.#received) return false;
      if (!(bytes instanceof Uint8Array) || bytes.byteLength === 0) return false;
      if (this.#received + bytes.byteLength > this.#upto) return false;
      // If no more may be held the socket is gone.
      if (!this.#peer.holdBytes(bytes.byteLength)) return true;
      this.#pieces.push(bytes);
      this.#received += bytes.byteLength;
    }
    this.#pump();
    return true;
  }

  /** The other node has read so many bytes, and takes more. @returns is that news for the client? Nothing if it cannot be */
  granted(read: unknown, upto: unknown): boolean | undefined {
    if (!isCount(read) || !isCount(upto) || read > upto) return undefined;
    if (this.#state === "new") this.#read = this.#received = read;
    // Another socket has had it meanwhile.
    if (read < this.#read || read > this.#received) return undefined;
    this.#drop(read);
    if (this.#state !== "taken") {
      this.#sent = read;
      this.#isWholeSaid = false;
    }
    this.#state = "taken";
    this.#granted = upto;
    const isNews = upto >= this.#upto;
    if (isNews) this.#upto = upto;
    this.#pump();
    return isNews;
  }

  forget(): void {
    this.#drop(this.#received);
  }

  #drop(read: number): void {
    while (this.#read < read) {
      const [piece] = this.#pieces as [Uint8Array];
      const count = Math.min(piece.byteLength, read - this.#read);
      if (count === piece.byteLength) this.#pieces.shift();
      else this.#pieces[0] = piece.subarray(count);
      this.#read += count;
      this.#peer.releaseBytes(count);
    }
  }

  #pump(): void {
    if (this.#state !== "taken") return;
    let at = this.#read;
    for (const piece of this.#pieces) {
      const end = at + piece.byteLength;
      while (this.#sent < Math.min(end, this.#granted)) {
        const from = this.#sent;
        this.#sent = Math.min(end, this.#granted, from + MOST_BYTES);
        this.#say(SAY.bytes, from, piece.subarray(from - at, this.#sent - at));
      }
      at = end;
    }
    if (!this.#isWhole || this.#isWholeSaid || this.#sent < this.#received) return;
    this.#isWholeSaid = true;
    this.#say(SAY.whole);
  }
}
