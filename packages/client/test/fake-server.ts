import { type ManualClock, manualClock } from "@sockeye/conformance";
import {
  type ConnectPacket,
  EncodedPacket,
  type EventPacket,
  type Packet,
  PacketType,
} from "@sockeye/protocol";
import {
  defaultCodec,
  FlushScheduler,
  ReplayBuffer,
  ServerEnd,
  type ServerRole,
  TimerWheel,
} from "@sockeye/session";
import type { Target, TransportClass } from "@sockeye/transport/client";
import { type MemoryPair, memoryPair } from "@sockeye/transport/memory";
import type { Options } from "../src/index.js";
import { Manager } from "../src/standard/manager.js";

/** A connection, as the server sees it. */
export interface Peer {
  readonly session: ServerEnd["session"];
  readonly end: ServerEnd;
  /** Socket.IO packets that have come, in order. */
  readonly packets: Packet[];
  /** Why it ended, once it has. */
  reason: string | undefined;
  send(packet: Partial<Packet> & Pick<Packet, "type">): void;
}

/** One act of dialling. */
export interface Dial {
  readonly target: Target;
  readonly name: string;
  readonly pair: MemoryPair;
}

/** How a server that is asked to let a socket in answers. */
export type Admit = (packet: ConnectPacket, peer: Peer) => void;

export const PING_INTERVAL_MS = 1000;
export const PING_TIMEOUT_MS = 500;

/**
 * A server in memory, on a clock that a test moves. Commonest ways to extend a test: set `reachable`, `upgrades` or
 * `admit`; look at `dials` and `peers`; call `settle()` until nothing is under way.
 */
export class FakeServer {
  readonly clock: ManualClock = manualClock();
  readonly dials: Dial[] = [];
  readonly peers: Peer[] = [];
  /** Names of transports that can be opened. */
  reachable: readonly string[] = ["polling", "websocket"];
  /** Names that the server offers as upgrades. */
  upgrades: readonly string[] = [];
  /** Does it say anything at all? */
  silent = false;
  /** Does it count if a client offers it? Milliseconds that it keeps sessions without a transport. */
  window: number | undefined;
  /** Answers claims with frames of the test's own. */
  answerClaims: ((target: Target, pair: MemoryPair) => void) | undefined;
  /** Names of transports that open and then carry nothing. */
  mute: readonly string[] = [];
  /** Milliseconds that a handshake takes, by the name of the transport. */
  delays: Readonly<Record<string, number>> = {};
  admit: Admit = (packet, peer) => {
    peer.send({ type: PacketType.CONNECT, nsp: packet.nsp, data: { sid: `s${++this.#ids}` } });
  };
  #ids = 0;
  readonly #wheel = new TimerWheel(this.clock);
  readonly #turn = new FlushScheduler(this.clock);

  /** A manager that dials this server and nothing else. */
  manager(options: Options = {}): Manager {
    return new Manager("http://server", { transports: this.transports(), ...options }, this.clock);
  }

  transports(...names: string[]): TransportClass[] {
    return (names.length > 0 ? names : ["polling"]).map((name) => this.#transport(name));
  }

  /** The last connection. */
  get peer(): Peer {
    const peer = this.peers.at(-1);
    if (!peer) throw new Error("nobody has connected");
    return peer;
  }

  /** Lets everything arrive that is under way, without the passing of time. */
  settle(): void {
    this.clock.flush();
  }

  /** As when the network breaks: both ends notice. */
  cut(): void {
    this.dials.at(-1)?.pair.cut("transport error", new Error("cut"));
    this.settle();
  }

  #transport(name: string): TransportClass {
    const server = this;
    function Fake(target: Target): unknown {
      const pair = memoryPair({ name, clock: server.clock });
      server.dials.push({ target, name, pair });
      if (!server.reachable.includes(name)) pair.a.cut("transport error", new Error(`${name} refused`));
      else if (!server.silent && !server.mute.includes(name)) server.#accept(target, pair, name);
      return pair.a;
    }
    return Object.assign(Fake, { transportName: name }) as unknown as TransportClass;
  }

  #accept(target: Target, pair: MemoryPair, name: string): void {
    const { [name]: delayMs } = this.delays;
    if (delayMs === undefined || target.sid !== undefined) this.#arrived(target, pair);
    else this.clock.setTimer(() => this.#arrived(target, pair), delayMs);
  }

  #arrived(target: Target, pair: MemoryPair): void {
    const known = this.peers.find(({ session }) => session.id === target.sid);
    if (target.claim) this.clock.defer(() => this.#claimed(target, pair, known?.end));
    else if (known) known.end.offer(pair.b);
    else this.#open(target, pair);
  }

  /** The claim has arrived. */
  #claimed(target: Target, pair: MemoryPair, end: ServerEnd | undefined): void {
    if (this.answerClaims) {
      this.answerClaims(target, pair);
    } else if (!end?.acceptClaim(pair.b, JSON.parse(String(target.claim?.head).slice(1)))) {
      pair.b.send([new EncodedPacket("1")]);
      pair.b.close("goodbye");
    }
  }

  #open({ offersResume }: Target, pair: MemoryPair): void {
    const packets: Packet[] = [];
    const codec = defaultCodec();
    const role: ServerRole = {
      pingIntervalMs: PING_INTERVAL_MS,
      pingTimeoutMs: PING_TIMEOUT_MS,
      upgradeTimeoutMs: 1000,
      maxPayload: 1e6,
      initialPacket: undefined,
      upgrades: (name) => this.upgrades.filter((upgrade) => upgrade !== name),
      ended: () => {},
      secrets: {
        of: (sid, generation) => `${sid}/${generation}`,
        fits: (sid, generation, secret) => secret === `${sid}/${generation}`,
      },
    };
    const { window } = this;
    const counted = offersResume && window ? new ReplayBuffer({ window, bytes: 1_048_576 }) : undefined;
    const end = new ServerEnd(
      { codec, clock: this.clock, deadlines: this.#wheel, turn: this.#turn, role },
      {
        packet: (packet) => {
          packets.push(packet);
          if (packet.type === PacketType.CONNECT) this.admit(packet, peer);
        },
        closed: (reason) => {
          peer.reason = reason;
        },
      },
      { id: `engine${this.peers.length + 1}`, counted },
    );
    const peer: Peer = {
      packets,
      reason: undefined,
      end,
      session: end.session,
      send: (packet) =>
        peer.session.send(codec.encode({ nsp: "/", id: undefined, data: undefined, ...packet } as Packet)),
    };
    this.peers.push(peer);
    peer.session.start(pair.b);
  }
}

/** The events among packets, each as its name and arguments. */
export function eventsOf(packets: readonly Packet[]): unknown[][] {
  return packets.flatMap((packet) => (packet.type === PacketType.EVENT ? [[...packet.data]] : []));
}

/** The last event that came. */
export function lastEvent(packets: readonly Packet[]): EventPacket {
  const event = packets.filter(({ type }) => type === PacketType.EVENT).at(-1);
  if (!event) throw new Error("no event has come");
  return event as EventPacket;
}
