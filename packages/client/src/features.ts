import type { EngineFeatures } from "@sockeye/engine/client";
import type { Codec, EncodedPacket, EventPacket } from "@sockeye/protocol";
import type { Parser, Session } from "@sockeye/session";
import type { EngineSocket, ErrorBoundary } from "@sockeye/socket";
import type { BlobFeature } from "./blobs.js";
import type { RetryOptions, RetryOwner, RetryQueue } from "./retry-queue.js";

type Unseen = EventPacket & { readonly encoded: EncodedPacket };

/** What a class of managers knows. Bundlers leave out what no class names. */
export interface Features extends EngineFeatures {
  /** Reads Blobs among arguments. Without it they are refused like all that has no JSON. */
  readonly blobs: BlobFeature | undefined;
  /** Finds what the server of a counted session never saw. Without it sessions are not counted. */
  readonly unseen: ((session: Session, id: string | undefined) => Unseen[]) | undefined;
  /** Reads the option `parser`. @throws UsageError `ERR_BAD_OPTION` */
  codecOf(parser: Parser | Codec): Codec;
  /** Does what the option `retries` asks for. @throws UsageError `ERR_BAD_OPTION` */
  retriesOf(owner: RetryOwner, options: RetryOptions): RetryQueue;
  /** Shows a session to the app: `manager.engine`. @throws UsageError `ERR_BAD_OPTION` */
  engineOf(session: Session, boundary: ErrorBoundary): EngineSocket;
}
