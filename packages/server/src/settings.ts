import { Adapter as InMemoryAdapter, RecoveryAdapter } from "@sockeye/adapter";
import { checkTransports, randomId, requirePositive, withoutNulls } from "@sockeye/engine/server";
import type { Codec } from "@sockeye/protocol";
import { UsageError } from "@sockeye/protocol";
import { checkCors, OriginPolicy } from "@sockeye/transport/server";
import { eio3Limits } from "./eio3-client.js";
import type { RecoveryTerms } from "./namespace-core.js";
import type { AdapterConstructor, ServerLimits, ServerOptions } from "./options.js";
import { checkTimes, codecOf, limitsOf } from "./options.js";

const DEFAULT_PATH = "/socket.io";
const DEFAULT_CONNECT_TIMEOUT_MS = 45_000;
const DEFAULT_MAX_DISCONNECTION_MS = 120_000;

/** The options of a server, as they are now, and what follows from them. */
export class Settings {
  #given: ServerOptions;
  #derived: ReturnType<typeof derive>;

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor(options: ServerOptions) {
    this.#given = withoutNulls(options);
    this.#derived = derive(this.#given);
  }

  /** The options as the app gave them. */
  get given(): Readonly<ServerOptions> {
    return this.#given;
  }

  /** The options, with the defaults of recovery: adapters made for Socket.IO read them there. */
  get withRecoveryDefaults(): Readonly<ServerOptions> {
    const recovery = this.#given.connectionStateRecovery;
    if (!recovery) return this.#given;
    const maxDisconnectionDuration = recovery.maxDisconnectionDuration ?? DEFAULT_MAX_DISCONNECTION_MS;
    return { ...this.#given, connectionStateRecovery: { ...recovery, maxDisconnectionDuration } };
  }

  get codec(): Codec {
    return this.#derived.codec;
  }

  /** For what clients of Socket.IO 2 send. */
  get olderCodec(): Codec {
    return this.#derived.olderCodec;
  }

  get limits(): ServerLimits {
    return this.#derived.limits;
  }

  /** Without a slash at its end. */
  get path(): string {
    return (this.#given.path || DEFAULT_PATH).replace(/\/$/, "");
  }

  get connectTimeoutMs(): number {
    return this.#given.connectTimeout ?? DEFAULT_CONNECT_TIMEOUT_MS;
  }

  get recovery(): RecoveryTerms | undefined {
    const options = this.#given.connectionStateRecovery;
    return options && { skipMiddlewares: options.skipMiddlewares !== false };
  }

  /** The class of adapters. @throws UsageError `ERR_BAD_OPTION` */
  get adapter(): AdapterConstructor {
    return this.#given.adapter ?? this.#defaultAdapter();
  }

  /** Changes what the setters of a server change. */
  set(options: Pick<ServerOptions, "adapter" | "connectTimeout" | "path" | "serveClient">): void {
    const all = withoutNulls({ ...this.#given, ...options });
    checkCluster(all);
    this.#given = all;
  }

  /** Adds the options of `io.attach`. They count as if the constructor had got them. @throws UsageError `ERR_BAD_OPTION` */
  add(options: ServerOptions): void {
    const all = withoutNulls({ ...this.#given, ...options });
    this.#derived = derive(all);
    this.#given = all;
  }

  /** How much is kept for those who come back, if anything is. @throws UsageError `ERR_BAD_OPTION` */
  get keep(): { maxDisconnectionDuration: number; maxPackets: number } | undefined {
    const options = this.#given.connectionStateRecovery;
    if (!options) return undefined;
    const { maxDisconnectionDuration = DEFAULT_MAX_DISCONNECTION_MS, maxPackets = 10_000 } = options;
    requirePositive("maxDisconnectionDuration", maxDisconnectionDuration);
    requirePositive("maxPackets", maxPackets);
    return { maxDisconnectionDuration, maxPackets };
  }

  #defaultAdapter(): AdapterConstructor {
    const { keep } = this;
    if (!keep) return InMemoryAdapter;
    return (nsp) => new RecoveryAdapter(nsp, { ...keep, epoch: randomId().slice(0, 8) });
  }
}

/** @throws UsageError `ERR_BAD_OPTION` */
function checkCluster({ cluster, adapter, connectionStateRecovery }: ServerOptions): void {
  if (cluster === undefined) return;
  if (adapter !== undefined) {
    throw new UsageError(
      "ERR_BAD_OPTION",
      "The options cluster and adapter exclude each other: a cluster has its own.",
    );
  }
  if (connectionStateRecovery !== undefined && !(cluster.bus.log && cluster.bus.records)) {
    const text =
      "The options cluster and connectionStateRecovery exclude each other with this bus: it keeps no log.";
    throw new UsageError("ERR_BAD_OPTION", text);
  }
}

/** @throws UsageError `ERR_BAD_OPTION` */
function derive(options: ServerOptions): { limits: ServerLimits; codec: Codec; olderCodec: Codec } {
  checkCluster(options);
  checkTimes(options);
  checkCors(options.cors);
  new OriginPolicy(options.origins);
  checkTransports(options);
  const limits = limitsOf(options);
  return { limits, codec: codecOf(options, limits), olderCodec: codecOf(options, eio3Limits(limits)) };
}
