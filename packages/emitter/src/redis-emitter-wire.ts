import { pack } from "@sockeye/cluster/internal";
import type { Bus, Clock } from "@sockeye/protocol";
import { ClusterError } from "@sockeye/protocol";
import type { Choice } from "./selected.js";
import type { Speaker } from "./speaker.js";

/** Who speaks: servers leave out what they have said themselves. */
const UID = "emitter";
const EVENT = 2;
const REQUESTS = { join: 2, leave: 3, disconnect: 4, tell: 6 } as const;
/** How long a message waits for the bus to come back. */
const MAX_WAITING_MS = 2_000;
const MAX_WAITING_BYTES = 1_048_576;
const CLOSING_MS = 5_000;

export interface RedisEmitterWireTerms {
  readonly bus: Bus;
  readonly clock: Clock;
  failed(error: unknown): void;
}

interface Message {
  readonly topic: string;
  readonly bytes: Uint8Array;
  readonly at: number;
}

/** Says what `@socket.io/redis-emitter` says, byte for byte, over Redis: the bus's prefix is the `key` of the servers' adapters. */
export class RedisEmitterWire implements Speaker {
  readonly ready: Promise<void>;
  readonly #terms: RedisEmitterWireTerms;
  #state: "starting" | "up" | "down" | "closed" = "starting";
  #waiting: Message[] = [];
  #waitingBytes = 0;

  constructor(terms: RedisEmitterWireTerms) {
    this.#terms = terms;
    const nothing = (): void => {};
    const down = (): void => {
      if (this.#state === "up") this.#state = "down";
    };
    this.ready = terms.bus
      .open({ message: nothing, subscribed: nothing, up: () => this.#up(), down })
      .then(() => this.#up());
    this.ready.catch((error: unknown) => terms.failed(error));
  }

  emit(namespace: string, data: readonly [string, ...unknown[]], { rooms, except, flags }: Choice): void {
    const packet = { type: EVENT, data, nsp: namespace };
    const [room] = rooms;
    const channel = rooms.size === 1 ? `#${namespace}#${room}#` : `#${namespace}#`;
    this.#say(channel, pack([UID, packet, { rooms: [...rooms], flags, except: [...except] }]));
  }

  act(namespace: string, op: "join" | "leave" | "disconnect", { rooms, except }: Choice, arg: unknown): void {
    const opts = { rooms: [...rooms], except: [...except] };
    const what = op === "disconnect" ? { close: arg } : { rooms: arg };
    this.#request(namespace, { type: REQUESTS[op], opts, ...what });
  }

  tell(namespace: string, data: readonly unknown[]): void {
    this.#request(namespace, { uid: UID, type: REQUESTS.tell, data });
  }

  /** Resolves once all has left that was said, or after five seconds. */
  async close(): Promise<void> {
    if (this.#state === "closed") return;
    const { bus, clock } = this.#terms;
    let timer: unknown;
    const late = new Promise<void>((resolve) => {
      timer = clock.setTimer(resolve, CLOSING_MS);
    });
    await Promise.race([this.ready.catch(() => {}), late]);
    clock.clearTimer(timer);
    this.#state = "closed";
    this.#drop(this.#waiting.splice(0));
    await bus.close();
  }

  // ---- inside

  #request(namespace: string, request: object): void {
    this.#say(`-request#${namespace}#`, Buffer.from(JSON.stringify(request)));
  }

  #say(topic: string, bytes: Uint8Array): void {
    const { bus, clock } = this.#terms;
    if (this.#state === "closed") return;
    if (this.#state === "up") {
      bus.publish(topic, bytes);
      return;
    }
    this.#waiting.push({ topic, bytes, at: clock.now() });
    this.#waitingBytes += bytes.length;
    const kept = this.#waiting.length;
    let gone = 0;
    while (this.#waitingBytes > MAX_WAITING_BYTES && gone < kept)
      this.#waitingBytes -= this.#waiting[gone++]?.bytes.length ?? 0;
    this.#drop(this.#waiting.splice(0, gone));
  }

  #up(): void {
    if (this.#state === "closed" || this.#state === "up") return;
    const { bus, clock } = this.#terms;
    // What was said before it was open for the first time waits for that, however long it takes.
    const since = this.#state === "starting" ? Number.NEGATIVE_INFINITY : clock.now() - MAX_WAITING_MS;
    this.#state = "up";
    const waiting = this.#waiting.splice(0);
    this.#waitingBytes = 0;
    this.#drop(waiting.filter(({ at }) => at < since));
    for (const { topic, bytes, at } of waiting) if (at >= since) bus.publish(topic, bytes);
  }

  #drop({ length }: readonly Message[]): void {
    if (length === 0) return;
    const text = `${length} ${length === 1 ? "message was" : "messages were"} said while the bus did not work, and dropped`;
    this.#terms.failed(new ClusterError("ERR_BUS_DOWN", text));
  }
}
