import type { Clock, EncodedPacket, SharedStreams, SharedStreamsSink } from "@sockeye/protocol";
import type { ContractEnd } from "@sockeye/socket";
import type { Keeping } from "./kept.js";
import type { AnyUploadHandler } from "./upload-types.js";

/** Says who a socket is, as the app knows it. */
export type OwnerOf = (socket: never) => string | number | null | undefined;

/** The namespace of streams. */
export interface StreamHost {
  readonly clock: Clock;
  /** About as many bytes as the value has on the wire. */
  weigh(value: unknown): number;
  isSame(input: unknown, other: unknown): boolean;
  /** Nobody can guess it. */
  makeId(): string;
  /** Is this no id that {@link makeId} has made here? */
  isElsewhere?(id: string): boolean;
  readonly cluster?: StreamCluster | undefined;
}

/** A namespace of which other nodes have their part. */
export interface StreamCluster {
  share(sink: SharedStreamsSink): SharedStreams;
  /** Another node that lives, and may have made the id. */
  madeBy(id: string): string | undefined;
  /** @throws CodecError */
  encode(event: string, args: readonly unknown[]): EncodedPacket;
  reportError(error: unknown, name: string): void;
}

/** An upload that the app takes. */
export interface UploadRule {
  readonly handler: AnyUploadHandler;
  readonly maxBytes: number;
  /** Set if uploads with an id are kept, and who has one. */
  readonly keeping: Keeping | undefined;
  readonly owner: OwnerOf | undefined;
}

/** Who asks for a stream. */
export interface StreamAsker {
  readonly socket: object;
  reportError(error: unknown, name: string): void;
}

/** The socket of streams. */
export interface StreamPeer extends StreamAsker {
  readonly contract: ContractEnd | undefined;
  /** Sends an event that no policy drops. @throws CodecError */
  send(event: string, args: readonly unknown[]): void;
  /** The same for what another node has encoded for it. */
  forward(frame: EncodedPacket): void;
  /** Holds so many bytes more for it. @returns false: that is too many, and the socket is gone */
  holdBytes(bytes: number): boolean;
  releaseBytes(bytes: number): void;
}
