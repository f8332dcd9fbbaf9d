export type { MemoryOptions, MemoryPair, MemoryTraffic, MemoryTransport } from "./pair.js";
export { memoryPair } from "./pair.js";
