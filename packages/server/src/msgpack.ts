export { createMsgpackCodec } from "@sockeye/codec/msgpack";
