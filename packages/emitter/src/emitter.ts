import { codecFromParser, createTextCodec, type Parser } from "@sockeye/codec";
import { type Bus, type Codec, DEFAULT_LIMITS, PacketType, UsageError } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import type { DefaultEventsMap, EventNames, EventParams, EventsMap } from "@sockeye/socket";
import { requireEventName } from "@sockeye/socket";
import { Outsider } from "./outsider.js";
import { RedisEmitterWire } from "./redis-emitter-wire.js";
import { EVERYBODY, requireNoAck, Selected, type Voice } from "./selected.js";
import type { Speaker } from "./speaker.js";

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
  /**
   * `redis-emitter`: it says what `@socket.io/redis-emitter` says, to servers whose adapter is `createAdapter` of `@socket.io/redis-adapter`, Sockeye's and
   * Socket.IO's. The bus is then Redis with what the adapters call `key` as its prefix: `redis(client, { prefix: "socket.io" })`. Nothing is signed, and
   * nothing kept. Not together with `name`, `secret`, `connectionStateRecovery` or `parser`. Default: the wire of Sockeye's clusters.
   */
  readonly wire?: "redis-emitter" | undefined;
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
  readonly #speaker: Speaker;

  /** Made by {@link Emitter.of}. */
  constructor(name: string, speaker: Speaker) {
    const voice: Voice = {
      emit: (data, choice) => speaker.emit(name, data, choice),
      act: (op, choice, arg) => speaker.act(name, op, choice, arg),
    };
    super(voice, EVERYBODY);
    this.name = name;
    this.#speaker = speaker;
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
    this.#speaker.tell(this.name, [event, ...args]);
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
  readonly #speaker: Speaker;

  /**
   * Opens the bus.
   *
   * @param bus one of its own, not one that a server has
   * @throws UsageError `ERR_BAD_OPTION`; `ERR_NOT_SUPPORTED` for recovery over a bus that keeps no log
   */
  constructor(bus: Bus, options: EmitterOptions = {}) {
    const speaker = options.wire === undefined ? speak(bus, options) : speakAsRedisEmitter(bus, options);
    super("/", speaker);
    this.#speaker = speaker;
    this.ready = speaker.ready;
  }

  /** The same for another namespace. */
  of<Emit extends EventsMap = EmitEvents, ServerSide extends EventsMap = ServerSideEvents>(
    namespace: string,
  ): EmitterNamespace<Emit, ServerSide> {
    const name = namespace.startsWith("/") ? namespace : `/${namespace}`;
    return new EmitterNamespace(name, this.#speaker);
  }

  /** Resolves once all that was said has left, after five seconds at the latest, and closes the bus. */
  close(): Promise<void> {
    return this.#speaker.close();
  }
}

/** @throws UsageError */
function speak(bus: Bus, options: EmitterOptions): Speaker {
  const { name, secret, parser, connectionStateRecovery: recovery, failed = warn } = options;
  if (name === undefined && process.env["NODE_ENV"] === "production") {
    const text = "The option name is missing. In production it must be there, as the servers' cluster.name.";
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  if (recovery && !bus.log)
    throw new UsageError("ERR_NOT_SUPPORTED", "connectionStateRecovery takes a bus that keeps a log.");
  const { maxDisconnectionDuration: ms = 120_000, maxPackets: entries = 10_000 } = recovery ?? {};
  const keep = recovery && { ms, entries };
  const codec = parser === undefined ? createTextCodec() : codecFromParser(parser, DEFAULT_LIMITS);
  const outsider = new Outsider({
    bus,
    name: name ?? "development",
    secret,
    keep,
    clock: nativeClock,
    failed,
  });
  return {
    ready: outsider.ready,
    emit: (nsp, data, choice) => {
      const packet = { type: PacketType.EVENT, nsp, id: undefined, data } as const;
      outsider.event(nsp, codec.encode(packet, choice.flags.compress), choice);
    },
    act: (nsp, op, choice, arg) => outsider.act(nsp, op, choice, arg),
    tell: (nsp, data) => outsider.tell(nsp, data),
    close: () => outsider.close(),
  };
}

/** @throws UsageError `ERR_BAD_OPTION` */
function speakAsRedisEmitter(bus: Bus, options: EmitterOptions): Speaker {
  const { wire, failed = warn } = options;
  if (wire !== "redis-emitter") {
    const text = `The option wire must be "redis-emitter" or left out, not ${JSON.stringify(wire)}.`;
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  for (const option of ["name", "secret", "connectionStateRecovery", "parser"] as const) {
    if (options[option] === undefined) continue;
    const text = `The options wire and ${option} exclude each other: that wire has nothing of the kind.`;
    throw new UsageError("ERR_BAD_OPTION", text);
  }
  return new RedisEmitterWire({ bus, clock: nativeClock, failed });
}

function warn(error: unknown): void {
  process.emitWarning(error instanceof Error ? error : `${error}`, "SockeyeWarning");
}
