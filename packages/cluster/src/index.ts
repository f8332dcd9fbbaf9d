export { Cluster } from "./cluster.js";
export { ClusterAdapter, type ClusterNamespace } from "./cluster-adapter.js";
export type { Change, Changed, Member, NodeLoad, NodeState } from "./membership.js";
export type { RemoteDetails } from "./remote.js";
export type { ClusterSink, ClusterTerms, Party } from "./terms.js";
