// The package as browsers get it: the readers of a client that trusts its server. What only a server asks for is the same file.

export { authGuard } from "../auth-guard.js";
export { base64Length } from "../base64.js";
export type { Parser } from "../parser-codec.js";
export { rawCodec } from "../raw-codec.js";
export { createTextCodec } from "../text-codec.js";
export type { ReceivedBytes } from "../views.js";
export {
  asArrayBuffer as platformBytes,
  countUtf8 as utf8Length,
  isBytes,
  isGone,
  rawBytes,
} from "../views.js";
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
export { codecFromParser } from "./parser-codec.js";
export { createTrustingCodec } from "./text-codec.js";
