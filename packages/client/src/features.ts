import type { Codec } from "@sockeye/protocol";
import type { ClientProbe, Parser, Session } from "@sockeye/session";
import type { EngineSocket, ErrorBoundary } from "@sockeye/socket";
import type { TransportClass } from "@sockeye/transport/client";
import type { BlobFeature } from "./blobs.js";
import type { RaceFeature } from "./race-options.js";
import type { ResumeFeature } from "./resumer.js";
import type { RetryOptions, RetryOwner, RetryQueue } from "./retry-queue.js";

/** What a class of managers knows. Bundlers leave out what no class names. */
export interface Features {
  /** The transports that may be named in the options. */
  readonly transports: readonly TransportClass[];
  /** Tries better transports beside the one in use. Without it a connection stays on its first. */
  readonly probe: ClientProbe | undefined;
  /** Brings a session back whose transport broke. Without it sessions end with their transports. */
  readonly resume: ResumeFeature | undefined;
  /** Dials more than one transport at a time, and remembers which one worked. Without it they are dialled one after the other. */
  readonly race: RaceFeature | undefined;
  /** Reads Blobs among arguments. Without it they are refused like all that has no JSON. */
  readonly blobs: BlobFeature | undefined;
  /** Reads the option `parser`. @throws UsageError `ERR_BAD_OPTION` */
  codecOf(parser: Parser | Codec): Codec;
  /** Does what the option `retries` asks for. @throws UsageError `ERR_BAD_OPTION` */
  retriesOf(owner: RetryOwner, options: RetryOptions): RetryQueue;
  /** Shows a session to the app: `manager.engine`. @throws UsageError `ERR_BAD_OPTION` */
  engineOf(session: Session, boundary: ErrorBoundary): EngineSocket;
}
