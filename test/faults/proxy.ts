import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { Link } from "./link.js";
import { type Fate, type Outage, SLOT_MS } from "./plan.js";

/** Something that the proxy has done, so many ms after the trial began. */
export interface Stroke {
  readonly at: number;
  readonly text: string;
}

/**
 * A TCP proxy between one client and the server, on this host. What it does to which connection is in the fate; it does so
 * from its start until `heal()`.
 */
export class FaultProxy {
  readonly strokes: Stroke[] = [];
  readonly #server: Server;
  readonly #links = new Set<Link>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #connections = 0;
  #outage: Outage | undefined;
  #healed = false;

  private constructor(
    readonly upstream: number,
    readonly fate: Fate,
    readonly client: number,
    readonly now: () => number,
  ) {
    this.#server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => this.#accept(socket));
    this.#slot(0);
  }

  static async start(upstream: number, fate: Fate, client: number, now: () => number): Promise<FaultProxy> {
    const proxy = new FaultProxy(upstream, fate, client, now);
    proxy.#server.listen(0, "127.0.0.1");
    await once(proxy.#server, "listening");
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** From now on everything passes, also what was held back. */
  heal(): void {
    this.#healed = true;
    this.#outage = undefined;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const link of this.#links) link.spare();
    this.#log("healed");
  }

  async stop(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer);
    const closed = once(this.#server, "close");
    this.#server.close();
    for (const link of this.#links) link.destroy();
    await closed;
  }

  #accept(near: Socket): void {
    near.on("error", () => {});
    if (this.#outage?.manner === "refuse") {
      near.resetAndDestroy();
      return;
    }
    const number = this.#connections++;
    const plan = this.#healed ? { blows: [], repeat: () => undefined } : this.fate.plan(this.client, number);
    const link = new Link(
      {
        upstream: this.upstream,
        log: (text) => this.#log(`connection ${number}: ${text}`),
        carried: (from) => {
          for (const other of this.#links) if (other !== from) other.release();
        },
        closed: (over) => this.#links.delete(over),
      },
      near,
      plan,
    );
    this.#links.add(link);
    if (this.#outage !== undefined) link.freeze();
  }

  #slot(slot: number): void {
    for (const outage of [this.fate.outage(slot), this.fate.outage(slot, this.client)]) {
      if (outage !== undefined) this.#later(outage.atMs, () => this.#begin(outage));
    }
    this.#later(SLOT_MS, () => this.#slot(slot + 1));
  }

  #begin(outage: Outage): void {
    if (this.#outage !== undefined) return;
    this.#log(`outage of ${outage.forMs} ms (${outage.manner})`);
    this.#outage = outage;
    for (const link of this.#links) {
      if (outage.manner === "refuse") link.cut("rst");
      else link.freeze();
    }
    this.#later(outage.forMs, () => {
      this.#outage = undefined;
      this.#log("the outage is over");
      for (const link of this.#links) link.thaw();
    });
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  #log(text: string): void {
    this.strokes.push({ at: this.now(), text });
  }
}
