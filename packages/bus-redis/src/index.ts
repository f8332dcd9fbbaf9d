export type { IoRedisLike, NodeRedisLike } from "./connection.js";
export { type RedisBusOptions, redis } from "./redis-bus.js";
