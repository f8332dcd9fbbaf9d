export { Adapter } from "./adapter.js";
export type { PersistedSession, ServerSideArgs } from "./adapter.js";
