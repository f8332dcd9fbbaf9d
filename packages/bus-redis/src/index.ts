export { type RedisBusOptions, redis } from "./redis-bus.js";
export type { IoRedisLike, NodeRedisLike } from "./way.js";
