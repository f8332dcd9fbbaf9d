export { type AdapterSuiteOptions, adapterSuite, type MakeAdapter } from "./adapter.js";
export { type BusBench, busSuite } from "./bus.js";
export { keepingBusSuite } from "./bus-log.js";
export { type ManualClock, manualClock } from "./clock.js";
export { clusterSuite } from "./cluster.js";
export type { ClusterBench } from "./cluster-bench.js";
export { ClusterNode, type ClusterNodeOptions, NotingSocket } from "./cluster-node.js";
export { codecSuite, textCodecSuite } from "./codec.js";
export { type Ending, Side } from "./side.js";
export {
  type MakePair,
  type TransportPair,
  type TransportSuiteOptions,
  transportSuite,
} from "./transport.js";
export {
  type EngineVector,
  type FrameVector,
  frameOf,
  frameVector,
  type MsgpackVector,
  type OlderFrameVector,
  type OlderPayloadVector,
  type PacketVector,
  type PayloadVector,
  packetOf,
  packetText,
  readVectors,
  type TrapVector,
} from "./vectors.js";
export {
  type MemorySession,
  type MemorySessionOptions,
  type MemorySessions,
  memoryWebTransport,
  webTransportPair,
} from "./webtransport.js";
