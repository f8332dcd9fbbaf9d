export { authGuard } from "./auth-guard.js";
export { base64Length } from "./base64.js";
export type { ReceivedBytes } from "./bytes.js";
export { isBytes, isGone, platformBytes, rawBytes, utf8Length } from "./bytes.js";
export {
  CLOSE,
  claimPacket,
  decodeFrame,
  message,
  messageText,
  NOOP,
  openPacket,
  PING,
  PONG,
  probePing,
  probePong,
  readCount,
  readOpen,
  UPGRADE,
  withCount,
} from "./envelope.js";
export type { Parser } from "./parser-codec.js";
export { codecFromParser } from "./parser-codec.js";
export { rawCodec } from "./raw-codec.js";
export { createTextCodec, createTrustingCodec } from "./text-codec.js";
