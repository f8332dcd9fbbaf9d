import type { Codec, OpenData, Transport } from "@sockeye/protocol";
import { TransportError, UsageError } from "@sockeye/protocol";
import type { ClientRole, SessionSink } from "@sockeye/session";
import { Session } from "@sockeye/session";
import type { Target, TransportClass } from "@sockeye/transport/web";
import type { Address } from "./address.js";
import type { EngineOptions } from "./options.js";
import type { Parts } from "./parts.js";
import { targetOf } from "./target.js";
import type { Timing } from "./timing.js";

/** Whoever uses a line. */
export interface LineSink extends SessionSink {
  /** The server's terms have come: packets may go out. */
  opened(): void;
  pinged(): void;
}

export interface LineConfig {
  readonly codec: Codec;
  readonly timing: Timing;
  readonly address: Address;
  readonly parts: Parts;
  /** Read when it dials. */
  readonly options: Partial<EngineOptions>;
}

const WEBSOCKET = "websocket";
/** Socket.IO's, of which a lean client knows the last alone. */
const DEFAULT_TRANSPORTS = ["polling", WEBSOCKET];

const OPEN_TIMEOUT_MS = 5000;

/** Did the last connection of this page end up on WebSocket? For `rememberUpgrade`. */
let websocketWorked = false;

/** One session with the server, and the dialling of its transports. Used once: the next connection is a new line. */
export class Line {
  readonly session: Session;
  readonly #config: LineConfig;
  readonly #sink: LineSink;
  /** The transports that may still be dialled, in the order of preference. */
  #classes: TransportClass[] = [];
  #target: Target | undefined;

  constructor(config: LineConfig, sink: LineSink) {
    this.#config = config;
    this.#sink = sink;
    this.session = new Session({ ...config.timing, codec: config.codec, role: this.#role() }, sink);
  }

  /**
   * Dials the first transport.
   *
   * @throws UsageError `ERR_BAD_OPTION`
   */
  dial(): void {
    const { options, timing } = this.#config;
    this.#classes = classesOf(options, this.#config.parts.transports);
    if (options.rememberUpgrade && websocketWorked) {
      this.#classes.sort((a, b) => Number(isWebSocket(b)) - Number(isWebSocket(a)));
    }
    const first = this.#next();
    if (first) {
      this.session.start(first);
      return;
    }
    timing.clock.defer(() => {
      const error = new TransportError("ERR_TRANSPORT_UNKNOWN", "No transports available");
      if (this.session.state === "opening") this.#sink.closed("transport error", error);
    });
  }

  #role(): ClientRole {
    return {
      side: "client",
      opened: (terms) => this.#opened(terms),
      probe: this.#config.parts.probe,
      dial: (name) => this.#candidate(name),
      openWithinMs: () => this.#patienceMs(),
      redial: () => this.#redial(),
      upgraded: ({ name }) => {
        websocketWorked = name === WEBSOCKET;
      },
      pinged: () => this.#sink.pinged(),
    };
  }

  #opened({ sid, maxPayload }: OpenData): void {
    if (this.#target) Object.assign(this.#target, { sid, maxPayload });
    websocketWorked = this.session.transport?.name === WEBSOCKET;
    this.#sink.opened();
  }

  /**
   * Some paths let a WebSocket open and then nothing through, some hold back responses. Where another transport is left to try,
   * none may take long; the last has until `timeout`.
   */
  #patienceMs(): number | undefined {
    const { tryAllTransports, openTimeout = OPEN_TIMEOUT_MS } = this.#config.options;
    return tryAllTransports && this.#classes.length > 1 ? openTimeout : undefined;
  }

  /** After a transport that could not be opened. */
  #redial(): Transport | undefined {
    websocketWorked = false;
    this.#classes.shift();
    return this.#config.options.tryAllTransports ? this.#next() : undefined;
  }

  #candidate(name: string): Transport | undefined {
    const Class = this.#classes.find(({ transportName }) => transportName === name);
    if (!Class || this.#config.options.upgrade === false) return undefined;
    return new Class({
      ...this.#targetFor(Class),
      sid: this.session.id,
      maxPayload: this.#target?.maxPayload,
    });
  }

  #next(): Transport | undefined {
    const [Class] = this.#classes;
    if (!Class) return undefined;
    this.#target = this.#targetFor(Class);
    return new Class(this.#target);
  }

  #targetFor({ transportName }: TransportClass): Target {
    const { address, options } = this.#config;
    const target = targetOf(address, { ...options, ...options.transportOptions?.[transportName] });
    return { ...target, session: this };
  }
}

function isWebSocket(Class: TransportClass): boolean {
  return Class.transportName === WEBSOCKET;
}

function classesOf(
  { transports, transportImplementations }: Partial<EngineOptions>,
  known: readonly TransportClass[],
): TransportClass[] {
  if (transports && transportImplementations) {
    throw new UsageError("ERR_BAD_OPTION", "either transports or transportImplementations");
  }
  return (transportImplementations ?? transports ?? DEFAULT_TRANSPORTS).flatMap((each) => {
    if (typeof each !== "string") return [each];
    return known.filter(({ transportName }) => transportName === each);
  });
}
