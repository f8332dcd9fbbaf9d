export { systemClock } from "./clock.js";
export type { ClientRole, ServerRole, SessionConfig, SessionSink } from "./config.js";
export { Session } from "./session.js";
export { Turn } from "./turn.js";
export { NO_SLOT, TimerWheel } from "./wheel.js";
export type { Timed } from "./wheel.js";
