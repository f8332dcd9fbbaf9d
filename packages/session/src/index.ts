export type { Parser } from "@sockeye/codec";
export {
  base64Length,
  codecFromParser,
  createTextCodec as defaultCodec,
  decodeFrame,
  rawCodec,
  readOpen,
  utf8Length,
} from "@sockeye/codec";
export { nativeClock, systemClock } from "./clock.js";
export type { ClientRole, Secrets, ServerRole, SessionConfig, SessionEnd, SessionSink } from "./config.js";
export type { Deadlines, Timed } from "./deadlines.js";
export { NO_SLOT, Timers } from "./deadlines.js";
export { FlushScheduler } from "./flush-scheduler.js";
export type { DropPolicy, Overflow } from "./outbox.js";
export { GAP, sizeOf } from "./outbox.js";
export { createOverflow } from "./overflow.js";
export { ReplayBuffer } from "./replay-buffer.js";
export { ResendBudget } from "./resend-budget.js";
export { serverEnd } from "./server-end.js";
export { encodeMessage, Session } from "./session.js";
export type { ClientProbe } from "./upgrade.js";
export { clientProbe } from "./upgrade.js";
export { TimerWheel } from "./wheel.js";
