export type { HeadersLike } from "./jet-stream.js";
export type { MessageLike, NatsConnectionLike } from "./link.js";
export { type JetStreamOptions, type NatsBusOptions, nats } from "./nats-bus.js";
