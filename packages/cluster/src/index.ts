export { Cluster } from "./cluster.js";
export { ClusterAdapter, type ClusterCore, type ClusterNamespace } from "./cluster-adapter.js";
export { ClusterRoom } from "./cluster-room.js";
export { Forwarding } from "./forward/forwarding.js";
export type { ForwardTarget, ListenOptions } from "./forward/internal-listener.js";
export { LogAdapter, type LogAdapterOptions } from "./log/log-adapter.js";
export type { Change, Changed, Member, NodeLoad, NodeState } from "./membership.js";
export type { RemoteDetails } from "./remote.js";
export type { ClusterSink, ClusterStats, ClusterTerms, Party } from "./terms.js";
