import { clientProbe, codecFromParser } from "@sockeye/session";
import { TRUSTED } from "./accepted.js";
import { blobPart } from "./blobs.js";
import { comebackPart } from "./comeback.js";
import type { Parts } from "./parts.js";
import { racePart } from "./racing.js";
import { RetryQueue } from "./retry-queue.js";
import { VisibleSession } from "./visible-session.js";

/** All but transports that Socket.IO's client knows. */
export const allParts: Omit<Parts, "transports"> = {
  probe: clientProbe,
  comeback: comebackPart,
  race: racePart,
  blobs: blobPart,
  codecOf: (parser) => codecFromParser(parser, TRUSTED),
  retriesOf: (owner, options) => new RetryQueue(owner, options),
  engineOf: (session, boundary) => new VisibleSession(session, boundary),
};
