import { readOpen } from "@sockeye/codec";
import type {
  Claim,
  EncodedPacket,
  Frame,
  PipeClose,
  PipeEnd,
  Transport,
  TransportSink,
} from "@sockeye/protocol";
import { EncodedPacket as Encoded } from "@sockeye/protocol";
import type { Session } from "../src/index.js";
import { claimOf, resume } from "../src/index.js";
import type { Talk } from "./talk.js";

const CLOSE = "1";

/** One end of a {@link Road}. */
class RoadEnd implements Transport {
  sink: TransportSink | undefined;
  /** As when the network is behind. */
  held = false;
  closed = false;
  /** What is on its way to the peer, oldest first. */
  readonly underWay: (() => void)[] = [];
  declare peer: RoadEnd;

  constructor(readonly name: string) {}

  get writable(): boolean {
    return !this.closed && !this.held;
  }

  bind(sink: TransportSink): void {
    this.sink = sink;
  }

  /** Frame by frame, so that what breaks off may break off anywhere. */
  send(batch: readonly EncodedPacket[]): void {
    for (const { head, attachments } of batch) {
      for (const frame of [head, ...attachments]) this.#carry(() => this.peer.receive(frame));
    }
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  close(how: PipeClose): void {
    if (this.closed) return;
    this.closed = true;
    this.#carry(() => this.peer.end(how === "goodbye" ? "closed" : "lost"));
  }

  /** The end of the pipe, as this end notices it. */
  end(how: PipeEnd): void {
    if (this.closed) return;
    this.closed = true;
    this.sink?.ended(this, how, "transport close");
  }

  release(): void {
    if (!this.held) return;
    this.held = false;
    if (this.writable) this.sink?.writable(this);
  }

  receive(frame: Frame): void {
    if (!this.closed) this.sink?.frame(this, frame);
  }

  #carry(arrive: () => void): void {
    this.underWay.push(arrive);
  }
}

/** A pipe in the hands of a test: both ways are queues, in which nothing moves by itself, and it may die without a word. */
export class Road {
  readonly client: RoadEnd;
  readonly server: RoadEnd;
  #dead = false;

  constructor(name = "road") {
    this.client = new RoadEnd(name);
    this.server = new RoadEnd(name);
    this.client.peer = this.server;
    this.server.peer = this.client;
  }

  get idle(): boolean {
    return this.client.underWay.length + this.server.underWay.length === 0;
  }

  /** The oldest that is on its way to the server arrives. */
  up(): void {
    this.#move(this.client);
  }

  down(): void {
    this.#move(this.server);
  }

  /** What is on its way is lost, and so is all that follows. Nobody is told. */
  die(): void {
    this.#dead = true;
  }

  #move(from: RoadEnd): void {
    const arrive = from.underWay.shift();
    if (!this.#dead) arrive?.();
  }
}

/** The client comes back over this road, or tries to. */
export function comeBack(
  { client, server }: Talk,
  road: { readonly client: Transport; readonly server: Transport },
): void {
  road.server.bind(
    heard((frame) => {
      const claim = JSON.parse(String(frame).slice(1)) as Claim;
      if (server.end.acceptClaim(road.server, claim)) return;
      road.server.send([new Encoded(CLOSE)]);
    }),
  );
  road.client.bind(
    heard((frame) => {
      if (frame === CLOSE) client.session.counted?.giveUp(client.session, "refused");
      // A session that has ended meanwhile says goodbye where the server takes it for alive.
      else if (client.session.state === "closed") road.client.close("goodbye");
      else if (!resume(client.end, road.client, readOpen(String(frame).slice(1))))
        refused(client.session, `${frame}`);
    }),
  );
  road.client.send([claimOf(client.end)]);
}

/** Only a session that has ended may not take what the server has agreed to. */
function refused({ state }: Session, frame: string): void {
  if (state !== "closed") throw new Error(frame);
}

function heard(frame: (frame: Frame) => void): TransportSink {
  return { frame: (_from, arrived) => frame(arrived), writable: () => {}, ended: () => {} };
}
