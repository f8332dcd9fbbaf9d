import { createHash, randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Adapter } from "@sockeye/adapter";
import {
  BUS_LINK,
  Cluster,
  ClusterAdapter,
  type ClusterNamespace,
  ClusterRoom,
  ClusterStreams,
  Forwarding,
  type ForwardTarget,
  LogAdapter,
  type LogAdapterOptions,
  type NodeLoad,
} from "@sockeye/cluster";
import { type Neighbours, randomId } from "@sockeye/engine/server";
import type {
  AdapterNamespace,
  Claim,
  Clock,
  Codec,
  SharedRoom,
  SharedRoomKeep,
  SharedRoomSink,
  SharedStreams,
  SharedStreamsSink,
} from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { type ForwardedRequest, remoteAddress, There } from "@sockeye/transport/server";
import { type ClusterOptions, clusterName } from "./cluster-options.js";
import { ClusterView } from "./cluster-view.js";

/** What of a random id stays: 96 bits. */
const RANDOM_LENGTH = 16;

/** Tells a session's node that its client has started over. */
const ABANDONED = "abandoned";

/** What a node of a cluster needs of its server. */
export interface NodeHost extends ErrorBoundary {
  readonly engineClock: Clock;
  readonly codec: Codec;
  load(): NodeLoad;
  /** The client of a session has started over at another node. Nothing if it has not the session's secret. */
  abandon(claim: Pick<Claim, "sid" | "secret">): void;
  /** Answers requests that other nodes pass on. */
  readonly forwardTarget: ForwardTarget;
}

/** A server as a node of a cluster: joins, makes adapters, and puts the node's tag on ids. */
export class NodeInCluster implements Neighbours {
  readonly view: ClusterView;
  readonly handshakes: "public" | "full";
  readonly #cluster: Cluster;
  readonly #options: ClusterOptions;
  readonly #host: NodeHost;
  readonly #forwarding: Forwarding;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(options: ClusterOptions, host: NodeHost) {
    const key = randomBytes(32).toString("base64url");
    const { bus, secret } = options;
    this.#options = options;
    this.#host = host;
    this.handshakes = options.handshakes ?? "public";
    this.#cluster = new Cluster({
      bus,
      name: clusterName(options),
      node: options.node ?? `${hostname()}-${process.pid}`,
      secret,
      clock: host.engineClock,
      codec: fingerprint(host.codec),
      key,
      load: () => host.load(),
      sink: {
        changed: ({ change, member }) => {
          if (change === "lost" || change === "left") this.#forwarding.gone(member.id, change === "lost");
          this.view.tell(change, member);
        },
        gap: (member) => {
          this.#forwarding.gap(member?.id);
          this.view.tell("gap", member);
        },
        bus: (state, cause) => {
          if (state === "down") this.#forwarding.gap();
          this.view.tellState(state, cause);
        },
        failed: (error) => host.reportError(error, "cluster"),
      },
    });
    this.view = new ClusterView(this.#cluster, host);
    this.#cluster.join(this.#cluster.topicsOf(), {
      act: (op, args, from) => {
        const [sid, claimed] = args;
        if (op === BUS_LINK) this.#forwarding.told(args, from);
        // It takes the session's secret to say so, as for any other claim.
        if (op === ABANDONED && typeof sid === "string" && typeof claimed === "string")
          host.abandon({ sid, secret: claimed });
      },
      event() {},
      asked: (_question, reply) => reply.none(),
      subscribed() {},
    });
    this.#forwarding = new Forwarding({ cluster: this.#cluster, key, secret, target: host.forwardTarget });
  }

  /** Listens for other nodes, and joins them. */
  start(): void {
    const { bus, listen = bus.local ? { host: "127.0.0.1" } : {}, address } = this.#options;
    if (listen === false) {
      this.#cluster.start();
      return;
    }
    this.#forwarding.listen(listen).then(
      (own) => this.#cluster.start(address ?? own),
      (error: unknown) => {
        this.#host.reportError(error, "cluster");
        this.#cluster.start();
      },
    );
  }

  // ---- from the engine

  locate(sid: string): There | undefined {
    const owner = this.#forwarding.ownerOf(sid);
    return owner === undefined ? undefined : new There(owner);
  }

  forward(visit: ForwardedRequest, owner: string, failed: (intact: boolean) => void): void {
    const { req, corsAnswer } = visit;
    const terms = {
      facts: {
        address: remoteAddress(req),
        corsAnswer: typeof corsAnswer === "string" ? corsAnswer : undefined,
      },
      failed,
    };
    if (visit.kind === "request") this.#forwarding.request(visit, owner, terms);
    else this.#forwarding.upgrade(visit, owner, terms);
  }

  claimRefused({ sid, secret }: Claim): void {
    const owner = this.#forwarding.ownerOf(sid);
    if (owner !== undefined) this.#cluster.tell(owner, ABANDONED, [sid, secret]);
  }

  // ---- from the server

  /** @param keep how much is kept for those who come back, if anything is */
  makeAdapter(nsp: AdapterNamespace, keep: LogAdapterOptions | undefined): Adapter {
    const { keeps } = this.#cluster;
    return keep && keeps
      ? new LogAdapter(nsp as ClusterNamespace, this.#cluster, keeps, keep)
      : new ClusterAdapter(nsp as ClusterNamespace, this.#cluster);
  }

  /** Does the engine keep logs? */
  get keeps(): boolean {
    return this.#cluster.keeps !== undefined;
  }

  shareRoom(
    at: { readonly nsp: string; readonly room: string },
    keep: SharedRoomKeep | undefined,
    sink: SharedRoomSink,
  ): SharedRoom {
    return new ClusterRoom(this.#cluster, at, keep, sink);
  }

  shareStreams(nsp: string, sink: SharedStreamsSink): SharedStreams {
    return new ClusterStreams(this.#cluster, nsp, sink);
  }

  /** Another node that lives, and may have made the id. */
  madeBy(id: string): string | undefined {
    return this.#cluster.members.byTag(id.slice(RANDOM_LENGTH))?.id;
  }

  /** An id of a session with this node's tag. It waits until the tag is settled. @param isRandom is it one of ours? */
  sessionId(id: string, isRandom: boolean): string | Promise<string> {
    const tagged = (): string => (isRandom ? id.slice(0, RANDOM_LENGTH) : id) + this.#cluster.tag;
    return this.#cluster.isReady ? tagged() : this.#cluster.ready.then(tagged, tagged);
  }

  /** May this be the id of a socket of this node or another? */
  isSocketId(text: string): boolean {
    const tag = text.slice(RANDOM_LENGTH);
    return tag === this.#cluster.tag || this.#cluster.members.byTag(tag) !== undefined;
  }

  /** May this node have made the id? */
  isOwnId(id: string): boolean {
    return id.slice(RANDOM_LENGTH) === this.#cluster.tag;
  }

  socketId(): string {
    return randomId().slice(0, RANDOM_LENGTH) + this.#cluster.tag;
  }

  /** No new clients are let in from now on, and the others are to know. */
  drains(): void {
    this.#cluster.beat();
  }

  /** Says goodbye, and passes nothing on any more. */
  async leave(): Promise<void> {
    await this.#cluster.close();
    this.#forwarding.stop();
  }

  /** Once the sessions have ended: until then what other nodes pass on of them reaches them. */
  async close(): Promise<void> {
    await this.#forwarding.close();
  }
}

/** Nodes send each other packets as clients get them, so all must write them alike. */
function fingerprint(codec: Codec): string {
  const data = ["probe", { a: [1, null, "ü"] }] as const;
  const { head } = codec.encode({ type: PacketType.EVENT, nsp: "/n", id: 7, data });
  return createHash("sha256").update(head).digest("base64url").slice(0, 12);
}
