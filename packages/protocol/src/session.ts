import type { CloseReason } from "./close.js";
import type { EncodedPacket, EnginePacket, OpenData } from "./packet.js";
import type { SessionState } from "./state.js";
import type { Transport } from "./transport.js";

/** What an app may send as one engine message: text or bytes. */
export type RawMessage = string | ArrayBuffer | ArrayBufferView;

/** What the layer above the codec may see of a session, and the raw access that `socket.conn` offers to apps. */
export interface SessionView {
  /** The engine's session id: a secret between this client and this server. Empty on a client until OPEN came. */
  readonly id: string;
  readonly state: SessionState;
  readonly transport: Transport | undefined;
  /** Has a better transport taken over? */
  readonly upgraded: boolean;
  /** Told of everything that passes. Unset unless an app listens on `socket.conn`. */
  observer: SessionObserver | undefined;
  /**
   * Sends one engine message that is not a Socket.IO packet. The peer must expect it.
   *
   * @throws CodecError `ERR_UNENCODABLE` for what is neither text nor bytes
   */
  sendMessage(data: RawMessage, compress: boolean): void;
  close(): void;
}

/** The events of `socket.conn`. No method may throw. */
export interface SessionObserver {
  /** Client: the server's terms have come and the session is open. */
  onOpen?(terms: OpenData): void;
  /** A packet came in. */
  onPacket(packet: EnginePacket): void;
  /** Packets were handed to the transport; nothing is queued any more. */
  onFlush(batch: readonly EncodedPacket[]): void;
  /** A candidate transport is being probed. */
  onUpgrading(candidate: Transport): void;
  /** The candidate has taken over. */
  onUpgrade(transport: Transport): void;
  /** The candidate was dropped; the session continues as it was. */
  onUpgradeFailed(cause: Error): void;
  /** The transport is gone; the session waits for another one. */
  onSuspend?(reason: CloseReason, cause: Error | undefined): void;
  /** The session continues, over this transport, and nothing was lost. */
  onResume?(transport: Transport): void;
  onClose(reason: CloseReason, cause: Error | undefined): void;
}
