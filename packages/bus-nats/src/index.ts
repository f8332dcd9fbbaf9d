export type { NatsConnectionLike } from "./link.js";
export { type NatsBusOptions, nats } from "./nats-bus.js";
