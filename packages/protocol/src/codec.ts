import type { EncodedPacket, Frame, Packet } from "./packet.js";

/** Packets to frames and back. Pure and synchronous; one instance serves a whole server or manager. */
export interface Codec {
  /**
   * @param compress false asks transports not to compress it
   * @throws CodecError `ERR_UNENCODABLE` or, for more than the peer accepts, `ERR_TOO_MANY_ATTACHMENTS`; nothing else
   */
  encode(packet: Packet, compress?: boolean): EncodedPacket;

  /** The same event with an offset behind its arguments. Absent: it has to be decoded for that. @param offset of `A-Z a-z 0-9 - _ .` */
  withOffset?(encoded: EncodedPacket, offset: string): EncodedPacket;

  /** A decoder for one session. */
  decoder(): Decoder;
}

/** The receiving half, one per session, since a binary event arrives in several frames. */
export interface Decoder {
  /**
   * Takes one engine message (the envelope is off already) and returns the packet that it completes, or `undefined`
   * while attachments are missing.
   *
   * @throws CodecError for whatever is not in the protocol or exceeds a limit; the decoder is useless afterwards
   */
  write(message: Frame): Packet | undefined;

  /**
   * Asked by a server once every heartbeat: does an unfinished packet wait for an attachment that it has waited for the
   * last time already?
   */
  overdue?(): boolean;

  /** Bytes of an unfinished packet that it holds. Absent: not known, or none. */
  readonly waitingBytes?: number;

  /** The session is over: lets go of what it holds, if that takes doing. Must not throw. */
  close?(): void;
}
