export type { PersistedSession, RestoredSession, ServerSideArgs } from "./adapter.js";
export { Adapter } from "./adapter.js";
export type { RecoveryOptions } from "./recovery-adapter.js";
export { RecoveryAdapter } from "./recovery-adapter.js";
