// For the packages of Sockeye that carry calls.
export type { Answerer, AnyCallHandler } from "./answering.js";
export { answerCall, answering, Running } from "./answering.js";
export type { Caller } from "./calling.js";
export { makeCall } from "./calling.js";
export type { StreamLimits } from "./streams/limits.js";
export { DEFAULT_STREAM_LIMITS } from "./streams/limits.js";
export { isStreamFrame } from "./streams/requests.js";
export { SocketStreams, unhandled } from "./streams/socket-streams.js";
export type { StreamHost, StreamPeer } from "./streams/stream-peer.js";
export { StreamTable } from "./streams/stream-table.js";
export type {
  AnyStreamHandler,
  StreamContext,
  StreamDeclaration,
  StreamHandler,
  StreamNames,
  StreamOptions,
} from "./streams/stream-types.js";
export type {
  AnyUploadHandler,
  UploadContext,
  UploadDeclaration,
  UploadedFile,
  UploadHandler,
  UploadNames,
  UploadOptions,
} from "./streams/upload-types.js";
export { refusalOf } from "./wire.js";
