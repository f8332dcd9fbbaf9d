import { raceFeature, resumeFeature } from "@sockeye/engine/client";
import { clientProbe, codecFromParser } from "@sockeye/session";
import { TRUSTED } from "./accepted.js";
import { blobFeature } from "./blobs.js";
import type { Features } from "./features.js";
import { RetryQueue } from "./retry-queue.js";
import { unseenOf } from "./unseen.js";
import { VisibleSession } from "./visible-session.js";

/** All but transports that Socket.IO's client knows. */
export const allFeatures: Omit<Features, "transports"> = {
  probe: clientProbe,
  resume: resumeFeature,
  race: raceFeature,
  blobs: blobFeature,
  unseen: unseenOf,
  codecOf: (parser) => codecFromParser(parser, TRUSTED),
  retriesOf: (owner, options) => new RetryQueue(owner, options),
  engineOf: (session, boundary) => new VisibleSession(session, boundary),
};
