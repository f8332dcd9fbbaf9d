import type { Target } from "./target.js";
import { answers, bodies } from "./targets/bodies.js";
import { claims } from "./targets/claims.js";
import { feeds } from "./targets/feeds.js";
import { headers } from "./targets/headers.js";
import { msgpack } from "./targets/msgpack.js";
import { packets, parserBridge } from "./targets/packets.js";
import { olderPayloads, payloads } from "./targets/payloads.js";
import { queries } from "./targets/queries.js";
import { requests } from "./targets/requests.js";
import { resumes } from "./targets/resumes.js";
import { chunks, lines } from "./targets/streams.js";
import { turns } from "./targets/turns.js";
import { upgrades } from "./targets/upgrades.js";
import { websocket } from "./targets/websocket.js";

/** Everything that takes input from strangers. */
export const TARGETS: readonly Target[] = [
  packets,
  parserBridge,
  msgpack,
  payloads,
  olderPayloads,
  chunks,
  lines,
  websocket,
  turns,
  queries,
  bodies,
  answers,
  headers,
  upgrades,
  resumes,
  claims,
  requests,
  feeds,
];
