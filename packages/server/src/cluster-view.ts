import type { Change, Cluster, ClusterStats, Member } from "@sockeye/cluster";
import { REPORT } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import type { ClusterNumbers } from "./metrics.js";
import { PublicEmitter } from "./public-emitter.js";

/** One node of a cluster, as it is now. */
export interface ClusterNode {
  /** New at each start. */
  readonly id: string;
  /** As in the option `cluster.node`. */
  readonly name: string;
  /** Open sessions, as of its last beat. */
  readonly sessions: number;
  /** `suspect`: silent for 5 s, and not waited for. `down`: for 10 s. */
  readonly state: "up" | "draining" | "suspect" | "down";
  /** Is it this server? */
  readonly self: boolean;
}

/** What `io.cluster` emits. */
export interface ClusterEvents {
  "node:joined": (node: ClusterNode) => void;
  /** It has been silent for 5 s: queries do not wait for it. */
  "node:suspected": (node: ClusterNode) => void;
  /** It has been silent for 10 s, and is taken to be dead. */
  "node:lost": (node: ClusterNode) => void;
  /** It is heard again. */
  "node:returned": (node: ClusterNode) => void;
  /** It has said goodbye. */
  "node:left": (node: ClusterNode) => void;
  /** Events of other nodes may be missing here: of one node, or, without one, of all. */
  gap: (node: ClusterNode | undefined) => void;
  /** The bus works. */
  up: () => void;
  /** The bus does not work: this node is alone until it does. */
  down: (cause: Error | undefined) => void;
}

/** The cluster that a server is a node of, as apps see it: `io.cluster`. */
export class ClusterView extends PublicEmitter<Record<never, never>, ClusterEvents> {
  readonly #cluster: Cluster;
  readonly #boundary: ErrorBoundary;

  constructor(cluster: Cluster, boundary: ErrorBoundary) {
    super();
    this.#cluster = cluster;
    this.#boundary = boundary;
  }

  /** Of the cluster. */
  get name(): string {
    return this.#cluster.name;
  }

  /**
   * Resolves once the other nodes are known; after 2 s in any case. Clients are let in from then on.
   *
   * @throws ClusterError (as a rejection) `ERR_CLUSTER_MISMATCH` if they are of another kind: this server stays alone then
   */
  get ready(): Promise<void> {
    return this.#cluster.ready;
  }

  /** Does the bus work? Without it this node is alone, and events for others wait, for 2 s at most. */
  get isUp(): boolean {
    return this.#cluster.isUp;
  }

  /** All nodes that are known, this one first. */
  nodes(): ClusterNode[] {
    const { self, members } = this.#cluster;
    return [{ ...shown(self), self: true }, ...members.all().map(shown)];
  }

  /** What may have been lost or was dropped since this node began, what waits for the bus, and how long a message takes over it. */
  stats(): ClusterStats {
    return this.#cluster.stats;
  }

  /** @internal For metrics. */
  numbers(): ClusterNumbers {
    const nodes: Record<string, number> = {};
    for (const { state } of this.#cluster.members.all()) nodes[state] = (nodes[state] ?? 0) + 1;
    return { ...this.stats(), nodes };
  }

  /** @internal */
  tell(change: Change | "gap", member: Member | undefined): void {
    dispatch(this, change === "gap" ? change : `node:${change}`, [member && shown(member)]);
  }

  /** @internal */
  tellState(state: "up" | "down", cause: Error | undefined): void {
    dispatch(this, state, cause ? [cause] : []);
  }

  /** @internal A listener of the app has thrown. */
  [REPORT](error: unknown, event: string | symbol | number): void {
    this.#boundary.reportError(error, event);
  }
}

function shown({ id, name, sessions, state }: Member): ClusterNode {
  return { id, name, sessions, state, self: false };
}
