export type { PoolLike } from "./connection.js";
export { type PostgresBusOptions, postgres } from "./postgres-bus.js";
export { tablesSql } from "./tables.js";
