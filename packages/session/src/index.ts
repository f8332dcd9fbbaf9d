export type { Parser } from "@sockeye/codec";
export { codecFromParser, createTextCodec as defaultCodec } from "@sockeye/codec";
export { systemClock } from "./clock.js";
export type { ClientRole, ServerRole, SessionConfig, SessionSink } from "./config.js";
export { serverActs } from "./server-acts.js";
export { encodeMessage, Session } from "./session.js";
export { Turn } from "./turn.js";
export type { Timed } from "./wheel.js";
export { NO_SLOT, TimerWheel } from "./wheel.js";
