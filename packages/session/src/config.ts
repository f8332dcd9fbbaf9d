import type {
  Claim,
  Clock,
  CloseReason,
  Codec,
  Decoder,
  EncodedPacket,
  EnginePacketType,
  OpenData,
  Packet,
  PacketLimits,
  PipeClose,
  ResumeTerms,
  SessionObserver,
  Transport,
} from "@sockeye/protocol";
import type { Deadlines } from "./deadlines.js";
import type { FlushScheduler } from "./flush-scheduler.js";
import type { Overflow } from "./outbox.js";
import type { ReplayBuffer } from "./replay-buffer.js";
import type { ClientProbe, Upgradable, Upgrade } from "./upgrade.js";

/** What all sessions of one server, or one client, share. */
export interface SessionConfig {
  readonly codec: Codec;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly turn: FlushScheduler;
  readonly role: ServerRole | ClientRole;
  /** Bounds what waits for the peer; without it nothing does. */
  readonly overflow?: Overflow | undefined;
  /** The same while a session is suspended, what is kept included. */
  readonly suspendedOverflow?: Overflow | undefined;
  /** Client: makes the counter of a session whose server counts. Without it this end does not count. */
  readonly count?: ((terms: ResumeTerms) => ReplayBuffer | undefined) | undefined;
}

/** Secrets by which clients prove that a session is theirs. Each generation of a session has its own. */
export interface Secrets {
  of(sid: string, generation: number): string;
  /** Takes the same time whatever is wrong. */
  fits(sid: string, generation: number, secret: string): boolean;
}

/** The accepting end: it sets the terms, pings, and lets itself be upgraded. */
export interface ServerRole {
  readonly side: "server";
  /** What only this end can do. */
  readonly end: ServerEnd;
  /** Time from one PING to the next, in ms. One that is answered later than that is followed by the next after this time. */
  readonly pingIntervalMs: number;
  /** Time for the PONG to come, in ms. Each sign of life begins it anew. */
  readonly pingTimeoutMs: number;
  /** Time for an upgrade to complete, in ms. */
  readonly upgradeTimeoutMs: number;
  /**
   * Who keeps the connection alive. In revision 3 of the protocol it is the client that pings, and this end only waits:
   * at most both times together. Default: this end.
   */
  readonly pings?: "server" | "client" | undefined;
  /** Told to the client: bytes of the largest message. */
  readonly maxPayload: number;
  /** Told to clients that know what it means: what is accepted of one packet. */
  readonly limits?: PacketLimits | undefined;
  /** A message that every client gets right after OPEN. */
  readonly initialPacket: EncodedPacket | undefined;
  /** Needed if sessions are counted. */
  readonly secrets?: Secrets | undefined;
  /** The transports to which a session on this one may be upgraded, as told to the client. */
  upgrades(transport: string): readonly string[];
  /** A candidate has taken over. */
  upgraded?(transport: Transport, sid: string): void;
  /** The transport of a session is lost, and the client may come back. */
  suspended?(sid: string, reason: CloseReason, cause: Error | undefined): void;
  /** The session needs nothing any more, its pipe included. Its id may be forgotten. */
  ended(sid: string): void;
}

/** How a session ends. */
export interface SessionEnd {
  readonly reason: CloseReason;
  readonly cause?: Error | undefined;
  /** What becomes of its transport. Default `goodbye`. */
  readonly transport?: Exclude<PipeClose, "moved"> | undefined;
}

/** A session at the accepting end, as its acts see it. */
export interface ServerSession extends Upgradable {
  readonly id: string;
  readonly decoder: Decoder;
  /** Would a packet leave at once? */
  readonly ready: boolean;
  /** Set if the session outlives its transports. */
  readonly counted: ReplayBuffer | undefined;
  readonly observer: SessionObserver | undefined;
  switchTransport(transport: Transport, received: number, silenceMs: number): boolean;
  /** PINGs without an answer. */
  pingsOut: number;
  /** When the last one was due. */
  pingedAt: number;
  /** Is a sign of life awaited? Only then {@link heardAt} is kept. */
  listens: boolean;
  /** The last sign of life: any packet is one, and so are 1024 bytes of what is not whole yet. */
  heardAt: number;
  /** Have so many bytes come since somebody last set it to false? */
  progressed: boolean;
  readonly dueAt: number;
  queue(packet: EncodedPacket): void;
  /** Writes what may be written. */
  flush(): void;
  /** Queues, unless the session is over. */
  send(packet: EncodedPacket): void;
  setDeadline(delayMs: number, now: number): void;
  /** That packet has no place here: the session ends. */
  protocolError(type: EnginePacketType): void;
  end(end: SessionEnd): void;
  /** Nothing is heard over the transport any more: a counted session is suspended, any other ends. */
  transportLost(reason: CloseReason, cause: Error | undefined): void;
}

/**
 * What only the accepting end does. Comes with the role, and not from the session's own imports, so that a client's bundle
 * does not hold it.
 */
export interface ServerEnd {
  /** Tells the terms, and sets the first deadline. @param limits told besides */
  begin(session: ServerSession, role: ServerRole, now: number, limits: PacketLimits | undefined): void;
  /** The deadline has come. */
  due(session: ServerSession, role: ServerRole, now: number): void;
  pinged(session: ServerSession, role: ServerRole, now: number): void;
  ponged(session: ServerSession, role: ServerRole, now: number): void;
  /** A client says that the session is its own: see {@link Session.acceptClaim}. */
  claimed(session: ServerSession, role: ServerRole, how: Return): boolean;
  /** Probes a candidate that wants to take over. */
  probe(session: Upgradable, candidate: Transport, limits: ProbeLimits): Upgrade;
}

/** A client that comes back. */
export interface Return {
  readonly transport: Transport;
  readonly claim: Pick<Claim, "secret" | "received">;
  readonly now: number;
}

export interface ProbeLimits {
  readonly clock: Clock;
  /** Time for an upgrade to complete, in ms. */
  readonly timeoutMs: number;
}

/** The dialling end. */
export interface ClientRole {
  readonly side: "client";
  /** The server's terms have come. Called before the first packet. */
  opened(data: OpenData): void;
  /** What takes care of upgrades; without it there are none. */
  readonly probe: ClientProbe | undefined;
  /** Dials a candidate for an upgrade, or not. Called after {@link opened} for the transports that the server offers. */
  dial(transport: string): Transport | undefined;
  /** Asked when a transport is dialled: ms until OPEN must have come over it, or it has failed. Without an answer there is no such limit. */
  openWithinMs?(): number | undefined;
  /** The transport failed before OPEN came. Dials the next one; without one the session ends. */
  redial?(cause: Error | undefined): Transport | undefined;
  /** A candidate has taken over. */
  upgraded?(transport: Transport, sid: string): void;
  /** The transport broke, and the session is suspended: from now on {@link Session.rejoin} may be called. */
  suspended?(): void;
  /** The session is over; the layer above hears it next. */
  ended?(sid: string, reason: CloseReason): void;
  /** The server has sent a PING. */
  pinged?(): void;
}

/** The layer above. No method may throw. */
export interface SessionSink {
  /** A packet came in. In order. */
  packet(packet: Packet): void;
  /** The session is over for the layer above: nothing comes in, nothing goes out. Called exactly once. */
  closed(reason: CloseReason, cause: Error | undefined): void;
  /** What is held in memory for the session may have changed, after its end too. */
  holds?(): void;
  /** What the layer above has sent could not be written. It was dropped; or the session ends, and {@link closed} follows. */
  unwritable?(error: Error): void;
}
