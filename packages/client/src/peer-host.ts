import type {
  Clock,
  EncodedPacket,
  EventPacket,
  HANDLE,
  Packet,
  SHOW_INCOMING,
  SHOW_OUTGOING,
} from "@sockeye/protocol";
import type { Session } from "@sockeye/session";
import type { Dispatchable, Listener, ListenOptions } from "@sockeye/socket";
import type { Features } from "./features.js";
import type { ManagerView } from "./manager-view.js";
import type { Auth } from "./options.js";

/** What a socket needs of the connection under it. */
export interface SocketHost {
  readonly parts: Features;
  readonly clock: Clock;
  /** The last session, whether or not it is open. */
  readonly session: Session;
  readonly isOpen: boolean;
  /** Is the other end of Sockeye? `undefined`: it was not asked. */
  peerIsOurs?: boolean | undefined;
  /** Is it connected, or will it try? */
  readonly mayTry: boolean;
  /** How long a socket waits before it asks again what it tells the server; `undefined`: no more, after so many failures. */
  retryMs(failures: number): number | undefined;
  /** The server has let a socket in, or refused it: whatever was lost before is over. */
  answered(): void;
  /** @throws CodecError for what cannot be encoded, or the server would not accept */
  encode(packet: Packet, compress?: boolean): EncodedPacket;
  /** Asks once more: it was encoded before the server said what it accepts. @throws CodecError */
  require(packet: Packet, encoded: EncodedPacket): void;
  /** A socket does not need the connection any more. */
  release(): void;
}

/** An event that waits for the connection. */
export interface BufferedPacket extends EventPacket {
  readonly encoded: EncodedPacket;
}

/** The app's handle of a peer. */
export interface PeerHandle extends Dispatchable {
  readonly io: ManagerView;
  readonly nsp: string;
  readonly auth: Auth | undefined;
  recovered: boolean;
  readonly sendBuffer: BufferedPacket[];
  receiveBuffer: Array<readonly unknown[]>;
  listenersAny(): readonly unknown[];
  [HANDLE](event: string, listener: Listener, options?: ListenOptions): void;
  [SHOW_INCOMING](event: readonly unknown[]): void;
  [SHOW_OUTGOING](packet: { readonly data: readonly unknown[] }): void;
}
