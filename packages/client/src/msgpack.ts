export { createMsgpackCodec } from "@sockeye/session/msgpack";
