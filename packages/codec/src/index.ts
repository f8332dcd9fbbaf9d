export type { ReceivedBytes } from "./bytes.js";
export { platformBytes } from "./bytes.js";
export {
  CLOSE,
  decodeFrame,
  message,
  messageText,
  NOOP,
  openPacket,
  PING,
  PONG,
  probePing,
  probePong,
  readOpen,
  UPGRADE,
} from "./envelope.js";
export { createTextCodec } from "./text-codec.js";
