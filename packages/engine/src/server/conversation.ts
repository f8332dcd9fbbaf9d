import type { Claim, CloseReason, Decoder, EncodedPacket, SessionView, Transport } from "@sockeye/protocol";
import type { DropPolicy, Ending } from "@sockeye/session";

/** What brings a conversation other transports. */
export interface TransportTaker {
  /** A client says that it continues over another transport. @returns false if it has not proved that it may */
  acceptClaim(transport: Transport, claim: Pick<Claim, "secret" | "received">): boolean;
  /** Is a secret the client's? Nothing follows from it. */
  proves(secret: string): boolean;
  /** Another transport wants to take over. */
  offer(transport: Transport): void;
  /** The conversation is closed next, since the server goes away: its client is told how much has arrived. */
  tellLast(): void;
}

/** What an {@link EngineSession} is made of: a session of this engine, or a connection that another engine carries. */
export interface Conversation extends SessionView {
  /** Would a packet leave at once? */
  readonly ready: boolean;
  readonly bufferedBytes: number;
  /** Is another transport being tried? */
  readonly probing?: boolean;
  /** When its time to ping, or that of the client to answer, is over. */
  readonly dueAt?: number;
  /** Set if it outlives its transports. */
  readonly counted?: { readonly retainedBytes: number } | undefined;
  readonly decoder?: Decoder;
  /** Those that wait, and those that are kept. */
  readonly packets?: readonly (readonly EncodedPacket[])[];
  send(packet: EncodedPacket, droppable?: DropPolicy): void;
  /** Takes back what was given up and not written. */
  takeBack?(packet: EncodedPacket): boolean;
  drained(): Promise<boolean>;
  /** Ends it, since it is over for the client. */
  end?(ending: Ending): void;
  /** Ends it; what is queued is still written. */
  close(reason?: CloseReason): void;
  /** Ends it; what cannot be written at once is lost. */
  terminate(reason: CloseReason): void;
}
