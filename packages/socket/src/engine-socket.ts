import type {
  CloseReason,
  EncodedPacket,
  EnginePacket,
  Frame,
  OpenData,
  RawMessage,
  SessionObserver,
  SessionView,
  Transport,
} from "@sockeye/protocol";
import { ENGINE_PACKET_TYPES, LISTENED, REPORT } from "@sockeye/protocol";
import type { ErrorBoundary } from "./dispatch.js";
import { dispatch } from "./dispatch.js";
import { Emitter } from "./emitter.js";

/** What `socket.conn` and `manager.engine` emit. */
export interface EngineSocketEvents {
  /** Client: the server's terms have come. */
  handshake: (terms: OpenData) => void;
  /** Client: the same moment. */
  open: () => void;
  /** A packet came in. */
  packet: (packet: EnginePacket) => void;
  /** A packet goes out. */
  packetCreate: (packet: EnginePacket) => void;
  /** An engine message came in: a Socket.IO packet as text, or an attachment. */
  message: (data: Frame) => void;
  data: (data: Frame) => void;
  /** A sign of life. Client: every packet. Server: the client's PONG, or the PING of a client of Socket.IO 2. */
  heartbeat: () => void;
  /** The peer's PING; it gets a PONG. */
  ping: () => void;
  /** That PONG is on its way. */
  pong: () => void;
  /** Packets were handed to the transport. */
  flush: (batch: readonly EncodedPacket[]) => void;
  /** None is queued any more. */
  drain: () => void;
  upgrading: (transport: Transport) => void;
  upgrade: (transport: Transport) => void;
  upgradeError: (error: Error) => void;
  /** The transport broke, and the session waits for another one: `resume` or `close` follows. Only between two ends of Sockeye. */
  suspend: (reason: CloseReason, description: Error | undefined) => void;
  /** The session continues over this transport. Nothing was lost, and nothing comes twice. */
  resume: (transport: Transport) => void;
  /** The transport broke, or could not be opened; `close` follows. */
  error: (error: Error | undefined) => void;
  close: (reason: CloseReason, description: Error | undefined) => void;
}

/** How one raw message travels. */
export interface SendOptions {
  /** Default true: compressed where the transport compresses. */
  readonly compress?: boolean;
}

/** Told that a raw message was handed to the transport. */
export type Sent = (transport: Transport) => void;

/** The session under a socket, as Socket.IO shows it to apps: names of transports, raw packets, upgrades. */
export class EngineSocket
  extends Emitter<Record<never, never>, EngineSocketEvents>
  implements SessionObserver
{
  /** The revision of the engine protocol; 3 for a client of Socket.IO 2. */
  readonly protocol: 3 | 4;
  readonly #session: SessionView;
  readonly #boundary: ErrorBoundary;

  constructor(session: SessionView, boundary: ErrorBoundary, protocol: 3 | 4 = 4) {
    super();
    this.protocol = protocol;
    this.#session = session;
    this.#boundary = boundary;
  }

  get id(): string {
    return this.#session.id;
  }

  get readyState(): "opening" | "open" | "closing" | "closed" {
    const { state } = this.#session;
    return state === "upgrading" || state === "suspended" ? "open" : state;
  }

  /** Is the transport gone, and the session waits for another one? Not in Socket.IO. */
  get suspended(): boolean {
    return this.#session.state === "suspended";
  }

  /** The transport in use. As in Socket.IO it is taken to be there: on a client it is from the first attempt to connect on. */
  get transport(): Transport {
    return this.#session.transport as Transport;
  }

  get upgraded(): boolean {
    return this.#session.upgraded;
  }

  get upgrading(): boolean {
    return this.#session.state === "upgrading";
  }

  /**
   * Sends a raw engine message, which a Socket.IO peer would take for a packet.
   *
   * @param sent never called if the connection ends before the message has left
   * @throws CodecError `ERR_UNENCODABLE` for what is neither text nor bytes
   */
  send(data: RawMessage, options?: SendOptions | Sent | null, sent?: Sent): this {
    const isSent = typeof options === "function";
    const callback = isSent ? options : sent;
    const told = callback && ((): void => callback(this.transport));
    // Registered first: the batch that the message is in may leave at once.
    if (told) this.once("flush", told);
    try {
      this.#session.sendMessage(data, (isSent ? undefined : options?.compress) ?? true);
    } catch (error) {
      if (told) this.off("flush", told);
      throw error;
    }
    return this;
  }

  /** The same as {@link send}. */
  write(data: RawMessage, options?: SendOptions | Sent | null, sent?: Sent): this {
    return this.send(data, options, sent);
  }

  close(): this {
    this.#session.close();
    return this;
  }

  /** A session that nobody watches takes a shorter way. */
  override [LISTENED](): void {
    this.#session.observer = this;
  }

  onOpen(terms: OpenData): void {
    this.#tell("handshake", terms);
    this.#tell("open");
  }

  /** Does `heartbeat` tell of this packet? On a client of any. */
  protected isHeartbeat(_packet: EnginePacket): boolean {
    return true;
  }

  onPacket(packet: EnginePacket): void {
    const { type, data } = packet;
    this.#tell("packet", packet);
    if (this.isHeartbeat(packet)) this.#tell("heartbeat");
    if (type === "message") {
      this.#tell("data", data);
      this.#tell("message", data);
    } else if (type === "ping") {
      this.#tell("ping");
      this.#tell("pong");
    }
  }

  onFlush(batch: readonly EncodedPacket[]): void {
    if (this.hasListeners("packetCreate")) {
      for (const { head, attachments } of batch) {
        for (const frame of [head, ...attachments]) this.#tell("packetCreate", enginePacket(frame));
      }
    }
    this.#tell("flush", batch);
    this.#tell("drain");
  }

  onUpgrading(candidate: Transport): void {
    this.#tell("upgrading", candidate);
  }

  onUpgrade(transport: Transport): void {
    this.#tell("upgrade", transport);
  }

  onUpgradeFailed(cause: Error): void {
    this.#tell("upgradeError", cause);
  }

  onSuspend(reason: CloseReason, cause: Error | undefined): void {
    this.#tell("suspend", reason, cause);
  }

  onResume(transport: Transport): void {
    this.#tell("resume", transport);
  }

  onClose(reason: CloseReason, cause: Error | undefined): void {
    if (reason === "transport error") this.#tell("error", cause);
    this.#tell("close", reason, cause);
  }

  #tell(event: string, ...args: unknown[]): void {
    dispatch(this, event, args);
  }

  /** Takes what the app's code threw or rejected with. */
  [REPORT](error: unknown, event: string | symbol | number): void {
    this.#boundary.reportError(error, event);
  }
}

function enginePacket(frame: Frame): EnginePacket {
  if (typeof frame !== "string") return { type: "message", data: frame };
  return { type: ENGINE_PACKET_TYPES[Number(frame[0])] ?? "message", data: frame.slice(1) };
}
