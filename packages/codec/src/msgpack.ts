export { createMsgpackCodec } from "./msgpack-codec.js";
export { type MsgpackRules, readMsgpack } from "./msgpack-reader.js";
export { writeMsgpack } from "./msgpack-writer.js";
