import type { ManualClock } from "@sockeye/conformance";
import type { EncodedPacket, Frame, Transport, TransportSink } from "@sockeye/protocol";

/** How often a piece goes on its way. */
const BEAT_MS = 100;

/** What a pipe is like, beside that it is slow. */
export interface RoadKind {
  readonly name: string;
  /** Does it carry one body at a time, like HTTP? */
  readonly bodies: boolean;
  /** Does the client see what has come of a frame, and not only the whole? */
  readonly sees: boolean;
}

/** What goes together: one frame, or one body. */
interface Load {
  readonly frames: readonly Frame[];
  left: number;
}

/** One end of a {@link SlowRoad}. */
class SlowEnd implements Transport {
  readonly name: string;
  sink: TransportSink | undefined;
  closed = false;
  declare peer: SlowEnd;
  /** What is on its way to the peer. */
  readonly loads: Load[] = [];
  sentBytes = 0;

  constructor(
    readonly kind: RoadKind,
    readonly sees: boolean,
  ) {
    this.name = kind.name;
  }

  get writable(): boolean {
    return !this.closed && !(this.kind.bodies && this.loads.length > 0);
  }

  bind(sink: TransportSink): void {
    this.sink = sink;
  }

  send(batch: readonly EncodedPacket[]): void {
    const frames = batch.flatMap(({ head, attachments }) => [head, ...attachments]);
    const loads = this.kind.bodies ? [frames] : frames.map((frame) => [frame]);
    for (const load of loads) this.loads.push({ frames: load, left: bytesOf(load) });
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  close(): void {
    if (this.closed) return;
    this.closed = true;
    if (!this.peer.closed) {
      this.peer.closed = true;
      this.peer.sink?.ended(this.peer, "lost", "transport close");
    }
  }

  /** So many bytes arrive at the peer. */
  carry(bytes: number): void {
    const [load] = this.loads;
    if (load === undefined || bytes <= 0) return;
    const piece = Math.min(bytes, load.left);
    load.left -= piece;
    this.sentBytes += piece;
    const { peer } = this;
    if (load.left > 0) {
      if (peer.sees && !peer.closed) peer.sink?.progress?.(peer, piece);
      return;
    }
    this.loads.shift();
    for (const frame of load.frames) if (!peer.closed) peer.sink?.frame(peer, frame);
    if (this.writable) this.sink?.writable(this);
    this.carry(bytes - piece);
  }
}

/** A pipe that carries so many bytes a second each way, on the clock of a test. */
export class SlowRoad {
  readonly client: SlowEnd;
  readonly server: SlowEnd;
  /** Does nothing arrive that is larger than so many bytes? The rest is on its way for ever. */
  largest: number = Number.POSITIVE_INFINITY;
  readonly #clock: ManualClock;
  readonly #bytesPerBeat: number;

  constructor(clock: ManualClock, kind: RoadKind, bytesPerSecond: number) {
    this.#clock = clock;
    this.#bytesPerBeat = (bytesPerSecond * BEAT_MS) / 1000;
    this.client = new SlowEnd(kind, kind.sees);
    // A server reads bodies and frames itself.
    this.server = new SlowEnd(kind, true);
    this.client.peer = this.server;
    this.server.peer = this.client;
    this.#beat();
  }

  #beat(): void {
    this.#clock.setTimer(() => {
      if (this.client.closed && this.server.closed) return;
      for (const end of [this.client, this.server]) {
        if ((end.loads[0]?.left ?? 0) <= this.largest) end.carry(this.#bytesPerBeat);
      }
      this.#beat();
    }, BEAT_MS);
  }
}

function bytesOf(frames: readonly Frame[]): number {
  return frames.reduce((bytes, { length }) => bytes + length, 1);
}
