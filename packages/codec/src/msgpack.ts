export { createMsgpackCodec } from "./msgpack-codec.js";
