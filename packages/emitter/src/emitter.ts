import { codecFromParser, createTextCodec, type Parser } from "@sockeye/codec";
import { type Bus, type Codec, DEFAULT_LIMITS, PacketType, UsageError } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import type { DefaultEventsMap, EventNames, EventParams, EventsMap } from "@sockeye/socket";
import { requireEventName } from "@sockeye/socket";
import { Outsider } from "./outsider.js";
import { EVERYBODY, requireNoAck, Selected } from "./selected.js";

/** All but `failed` must be what the servers have. */
export interface EmitterOptions {
  /** Of the cluster: the servers' `cluster.name`. Required with `NODE_ENV=production`; otherwise `development` by default. */
  readonly name?: string | undefined;
  /** The servers' `cluster.secret`. */
  readonly secret?: string | undefined;
  /**
   * What the servers have. With it events go through the bus's log, so that clients that are away get them when they come back; without it
   * such a client is told that it has missed nothing, and has missed them.
   */
  readonly connectionStateRecovery?:
    | { readonly maxDisconnectionDuration?: number | undefined; readonly maxPackets?: number | undefined }
    | undefined;
  /** How the servers write packets: their `parser` or `codec`. */
  readonly parser?: Parser | Codec | undefined;
  /** Something that was said may have reached nobody. Default: a warning of the process. */
  readonly failed?: ((error: unknown) => void) | undefined;
}

/** Speaks to one namespace. */
export class EmitterNamespace<
  EmitEvents extends EventsMap = DefaultEventsMap,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
> extends Selected<EmitEvents> {
  /** Its name, beginning with a slash. */
  readonly name: string;
  readonly #outsider: Outsider;

  /** Made by {@link Emitter.of}. */
  constructor(name: string, outsider: Outsider, codec: Codec) {
    const voice = {
      emit: (data: readonly [string, ...unknown[]], options: typeof EVERYBODY): void => {
        const packet = { type: PacketType.EVENT, nsp: name, id: undefined, data } as const;
        outsider.event(name, codec.encode(packet, options.flags.compress), options);
      },
      act: (op: "join" | "leave" | "disconnect", options: typeof EVERYBODY, arg: unknown): void =>
        outsider.act(name, op, options, arg),
    };
    super(voice, EVERYBODY);
    this.name = name;
    this.#outsider = outsider;
  }

  /**
   * Emits an event to the servers, not to clients.
   *
   * @throws UsageError `ERR_BAD_EVENT_NAME`, `ERR_RESERVED_EVENT`; `ERR_NOT_SUPPORTED` for an acknowledgement
   */
  serverSideEmit<Ev extends EventNames<ServerSideEvents>>(
    event: Ev,
    ...args: EventParams<ServerSideEvents, Ev>
  ): void {
    requireEventName(event);
    requireNoAck(args);
    this.#outsider.tell(this.name, [event, ...args]);
  }
}

/**
 * Emits to the clients of a cluster from a process that is none of its servers: a cron job, a worker, a function. It is not a node: nobody
 * waits for it, and it hears nothing.
 *
 * ```ts
 * const emitter = new Emitter(redis(client), { name: "shop" });
 * emitter.to("order 7").emit("shipped");
 * await emitter.close();
 * ```
 *
 * @typeParam EmitEvents what the clients hear
 * @typeParam ServerSideEvents what the servers hear
 */
export class Emitter<
  EmitEvents extends EventsMap = DefaultEventsMap,
  ServerSideEvents extends EventsMap = DefaultEventsMap,
> extends EmitterNamespace<EmitEvents, ServerSideEvents> {
  /** Resolves once the bus works; rejects if it never can. What is said before waits, up to 1 MiB. */
  readonly ready: Promise<void>;
  readonly #outsider: Outsider;
  readonly #codec: Codec;

  /**
   * Opens the bus.
   *
   * @param bus one of its own, not one that a server has
   * @throws UsageError `ERR_BAD_OPTION`; `ERR_NOT_SUPPORTED` for recovery over a bus that keeps no log
   */
  constructor(bus: Bus, options: EmitterOptions = {}) {
    const { parser } = options;
    const codec = parser === undefined ? createTextCodec() : codecFromParser(parser, DEFAULT_LIMITS);
    const outsider = speak(bus, options);
    super("/", outsider, codec);
    this.#outsider = outsider;
    this.#codec = codec;
    this.ready = outsider.ready;
  }

  /** The same for another namespace. */
  of<Emit extends EventsMap = EmitEvents, ServerSide extends EventsMap = ServerSideEvents>(
    namespace: string,
  ): EmitterNamespace<Emit, ServerSide> {
    const name = namespace.startsWith("/") ? namespace : `/${namespace}`;
    return new EmitterNamespace(name, this.#outsider, this.#codec);
  }

  /** Resolves once all that was said has left, after five seconds at the latest, and closes the bus. */
  close(): Promise<void> {
    return this.#outsider.close();
  }
}

/** @throws UsageError */
function speak(bus: Bus, options: EmitterOptions): Outsider {
  const { name, secret, connectionStateRecovery: recovery, failed = warn } = options;
  if (name === undefined && process.env["NODE_ENV"] === "production") {
    const text = "The option name is missing. In production it must be there, as the servers' cluster.name.";
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  if (recovery && !bus.log)
    throw new UsageError("ERR_NOT_SUPPORTED", "connectionStateRecovery takes a bus that keeps a log.");
  const { maxDisconnectionDuration: ms = 120_000, maxPackets: entries = 10_000 } = recovery ?? {};
  const keep = recovery && { ms, entries };
  return new Outsider({ bus, name: name ?? "development", secret, keep, clock: nativeClock, failed });
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : `${error}`, "SockeyeWarning");
}
