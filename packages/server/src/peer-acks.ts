import type { EncodedPacket, SockeyeError } from "@sockeye/protocol";
import { AckError } from "@sockeye/protocol";
import type { AckCallback, Emit } from "@sockeye/socket";
import { Acks } from "@sockeye/socket";
import type { Histogram } from "./histogram.js";
import type { PeerConnection, PeerNamespace } from "./peer-host.js";

/** The acknowledgements of one socket: those that it waits for, and those that the app's handlers have not given yet. */
export class PeerAcks {
  readonly #nsp: PeerNamespace;
  readonly #client: PeerConnection;
  /** Those that it waits for. Unset until it waits for the first. */
  expected: Acks | undefined = undefined;
  #owed = 0;

  constructor(nsp: PeerNamespace, client: PeerConnection) {
    this.#nsp = nsp;
    this.#client = client;
  }

  /** How many it waits for. */
  get pending(): number {
    return this.expected?.size ?? 0;
  }

  /** Is one under way, in either direction? One that a handler never gives is forever. */
  get busy(): boolean {
    return this.#owed > 0 || this.pending > 0;
  }

  /** An error, already reported to the connection, if the socket waits for as many as it may. */
  overLimit(): SockeyeError | undefined {
    if (this.pending < this.#nsp.limits.maxPendingAcks) return undefined;
    const what = "the socket waits for maxPendingAcks acknowledgements already";
    const error = new AckError("ERR_TOO_MANY_ACKS", what);
    this.#client.exceeded(error);
    return error;
  }

  /**
   * Waits for the answer to a packet. If it does not come in time, or the wait is aborted, the packet never leaves, unless it has left.
   *
   * @param ack.encoded the packet; nothing if the caller sends it
   */
  expect(
    id: number,
    ack: {
      readonly callback: AckCallback;
      readonly takesError: boolean;
      readonly timeoutMs?: number | undefined;
      readonly signal?: AbortSignal | undefined;
      readonly encoded?: EncodedPacket;
    },
  ): void {
    const { encoded, ...wait } = ack;
    this.expected ??= new Acks(this.#nsp.clock);
    this.expected.expect(id, {
      timeoutMs: undefined,
      ...wait,
      // What left a moment ago still gets through before a goodbye.
      givenUp: (code) => {
        if (encoded && code !== "ERR_ACK_DISCONNECTED") this.#client.takeBack?.(encoded);
      },
    });
  }

  /** A handler owes the client an answer. @returns what to call once it has given it */
  owe(): () => void {
    this.#owed += 1;
    return () => {
      this.#owed -= 1;
      this.rest();
    };
  }

  /** The callback, which also notes how long an answer takes if that is measured. */
  timed(callback: AckCallback, { ackTakesError }: Emit): AckCallback {
    const { ackTime } = this.#client;
    return ackTime === undefined ? callback : timed(callback, ackTakesError, ackTime);
  }

  /** Tells the connection if nothing is under way any more. */
  rest(): void {
    if (!this.busy) this.#client.rested();
  }
}

function timed(callback: AckCallback, takesError: boolean, time: Histogram): AckCallback {
  const began = performance.now();
  return (...args) => {
    if (!takesError || !args[0]) time.note(began);
    callback(...args);
  };
}
