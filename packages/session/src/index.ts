export type { Parser } from "@sockeye/codec";
export {
  base64Length,
  codecFromParser,
  createTextCodec as defaultCodec,
  createTrustingCodec as trustingCodec,
  decodeFrame,
  rawCodec,
  readOpen,
  utf8Length,
} from "@sockeye/codec";
export type { ClientConfig, ClientRole } from "./client-end.js";
export { ClientEnd } from "./client-end.js";
export { claimOf, resume } from "./client-return.js";
export type { ClientProbe } from "./client-upgrade.js";
export { clientProbe } from "./client-upgrade.js";
export { nativeClock, systemClock } from "./clock.js";
export type { Ending, SessionConfig, SessionSink } from "./config.js";
export type { Kept } from "./counting.js";
export { Counting } from "./counting.js";
export type { Deadlines, Timed } from "./deadlines.js";
export { NO_SLOT, OneTimer } from "./deadlines.js";
export { encodeMessage } from "./encode-message.js";
export { FlushScheduler } from "./flush-scheduler.js";
export type { DropPolicy, Overflow } from "./outbox.js";
export { GAP } from "./outbox.js";
export { createOverflow } from "./overflow.js";
export { ReplayBuffer } from "./replay-buffer.js";
export { ResendBudget } from "./resend-budget.js";
export type { Secrets, ServerConfig, ServerRole } from "./server-end.js";
export { ServerEnd } from "./server-end.js";
export { Session } from "./session.js";
export { sizeOf } from "./waiting-packet.js";
export { TimerWheel } from "./wheel.js";
