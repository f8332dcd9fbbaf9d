import type { ClientProbe } from "@sockeye/session";
import type { TransportClass } from "@sockeye/transport/client";
import type { RaceFeature } from "./race-options.js";
import type { ResumeFeature } from "./resumer.js";

/** What a dialler knows. Bundlers leave out what no build names. */
export interface EngineFeatures {
  /** The transports that may be named in the options. */
  readonly transports: readonly TransportClass[];
  /** Tries better transports beside the one in use. Without it a connection stays on its first. */
  readonly probe: ClientProbe | undefined;
  /** Brings a session back whose transport broke. Without it sessions end with their transports. */
  readonly resume: ResumeFeature | undefined;
  /** Dials more than one transport at a time, and remembers which one worked. Without it they are dialled one after the other. */
  readonly race: RaceFeature | undefined;
}
