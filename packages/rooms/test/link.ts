import { AckError, type Clock, OWN_EVENTS } from "@sockeye/protocol";
import { type RoomMethods, rooms } from "@sockeye/rooms/client";
import type { AckCallback, Emit, EventsMap, ExtensionHost } from "@sockeye/socket";
import { Client, type Site } from "./site.js";

type Own = (...args: readonly unknown[]) => void;

/** What is under way to the server. */
interface Going {
  readonly event: string;
  readonly argument: unknown;
  readonly ack: AckCallback | undefined;
}

/** The server's end of a connection: what it says goes into the queue of the link. */
class Far extends Client {
  readonly coming: (() => void)[] = [];
  #tell: (event: unknown[]) => void = () => {};
  /** What becomes of the next event of a room. */
  fate: "lost" | "twice" | undefined;

  tellBy(tell: (event: unknown[]) => void): this {
    this.#tell = tell;
    return this;
  }

  override receive(event: unknown[]): void {
    this.coming.push(() => this.#tell(event));
  }

  override hear(event: unknown[]): void {
    const { fate } = this;
    const isMeant = fate !== undefined && event[0] === OWN_EVENTS.event;
    if (isMeant) this.fate = undefined;
    if (isMeant && fate === "twice") this.receive(event);
    if (!isMeant || fate !== "lost") this.receive(event);
  }
}

/** A client with the extension, on a connection that a test moves message by message and cuts where it likes. What is under way then is lost. */
export class Link implements ExtensionHost {
  readonly socket = {};
  readonly contract = undefined;
  readonly knowsOwnEvents = true;
  readonly errors: unknown[] = [];
  readonly clock: Clock;
  readonly room: RoomMethods<EventsMap>["room"];
  readonly #own = new Map<string, Own[]>();
  readonly #going: Going[] = [];
  readonly #waiting: Emit[] = [];
  readonly #unanswered = new Set<AckCallback>();
  readonly #name: string;
  #far: Far | undefined;
  #connections = 0;

  constructor(name: string, clock: Clock) {
    this.#name = name;
    this.clock = clock;
    this.room = (rooms.install(this) as RoomMethods<EventsMap>).room;
  }

  get connected(): boolean {
    return this.#far !== undefined;
  }

  get id(): string | undefined {
    return this.#far?.id;
  }

  connect(site: Site): void {
    if (this.#far) return;
    const far = new Far(`${this.#name}-${++this.#connections}`, site);
    this.#far = site.admit(far.tellBy(([event, ...args]) => this.#tell(String(event), args)));
    for (const emit of this.#waiting.splice(0)) this.emitOut(emit);
    this.#tell("connect", []);
  }

  sendNow(emit: Emit): void {
    if (this.#far) this.emitOut(emit);
  }

  /** Lets the next event of a room get lost, or come twice, as an adapter between nodes may. */
  disturb(fate: "lost" | "twice" | undefined): void {
    if (this.#far) this.#far.fate = fate;
  }

  /** Its connection broke, or is back, as its server sees it. */
  setAway(away: boolean): void {
    this.#far?.site.rooms.setAway(this.#far.id, away);
  }

  /** @param unnoticed nothing is said at the server: it was killed */
  cut({ unnoticed = false } = {}): void {
    const far = this.#far;
    if (!far) return;
    this.#far = undefined;
    this.#going.length = 0;
    if (!unnoticed) far.go();
    this.#tell("disconnect", []);
    const cut = [...this.#unanswered];
    this.#unanswered.clear();
    for (const ack of cut) ack(new AckError("ERR_ACK_DISCONNECTED", "cut"));
  }

  /** Moves one message to the server. @returns was there one? */
  up(): boolean {
    const far = this.#far;
    const next = this.#going.shift();
    if (!far || !next) return false;
    const { event, argument, ack } = next;
    far.site.rooms.request(far, [
      event,
      argument,
      (...answer: unknown[]) =>
        far.coming.push(() => {
          if (ack && this.#unanswered.delete(ack)) ack(null, ...(structuredClone(answer) as []));
        }),
    ]);
    return true;
  }

  /** Moves one message to the client. @returns was there one? */
  down(): boolean {
    const next = this.#far?.coming.shift();
    next?.();
    return next !== undefined;
  }

  emitOut(emit: Emit): void {
    const { event, args, ack } = emit;
    if (!this.#far) {
      this.#waiting.push(emit);
      return;
    }
    if (ack) this.#unanswered.add(ack);
    this.#going.push({ event, argument: structuredClone(args[0]), ack });
  }

  reportError(error: unknown): void {
    this.errors.push(error);
  }

  onlyHandler(): void {}

  onOwn(event: string, listener: Own): void {
    this.#own.set(event, [...(this.#own.get(event) ?? []), listener]);
  }

  #tell(event: string, args: readonly unknown[]): void {
    for (const listener of this.#own.get(event) ?? []) listener(...args);
  }
}

/** Lets promises settle. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** Moves messages until nothing is under way. */
export async function drain(...links: Link[]): Promise<void> {
  for (let moved = true; moved; ) {
    await settle();
    moved = false;
    for (const link of links) {
      while (link.up()) moved = true;
      await settle();
      while (link.down()) moved = true;
    }
  }
}
