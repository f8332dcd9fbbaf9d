import { connect, type Socket } from "node:net";
import { Flow } from "./flow.js";
import type { Blow, Ending, Plan, Way } from "./plan.js";
import { RequestReader } from "./requests.js";

/** How long the server has for the answer that nobody gets. */
const DISCARD_MS = 3000;

/** What a link needs of the proxy that it belongs to. */
export interface LinkOwner {
  readonly upstream: number;
  /** Tells of something that was done. */
  log(text: string): void;
  /** Bytes have passed: others need not be held any longer. */
  carried(link: Link): void;
  closed(link: Link): void;
}

/** One connection of a client through the proxy, and what befalls it. */
export class Link {
  readonly #owner: LinkOwner;
  readonly #near: Socket;
  #far: Socket;
  readonly #flows: Readonly<Record<Way, Flow>>;
  readonly #plan: Plan;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #extras = new Set<Socket>();
  #held = false;
  #dead = false;
  /** The request whose first answer is thrown away, once it is complete. */
  #discarding: Buffer | undefined;

  constructor(owner: LinkOwner, near: Socket, plan: Plan) {
    this.#owner = owner;
    this.#near = near;
    this.#plan = plan;
    const passed = (): void => owner.carried(this);
    this.#far = this.#dial();
    this.#flows = { up: new Flow(this.#far, passed), down: new Flow(near, passed) };
    const requests = new RequestReader((index, raw) => this.#complete(index, raw));
    near.on("data", (chunk: Buffer) => {
      requests.write(chunk);
      this.#flows.up.push(chunk);
    });
    near.on("end", () => this.#flows.up.push("fin"));
    near.on("error", () => this.#flows.up.push("rst"));
    near.on("close", () => this.#check());
    for (const blow of plan.blows) this.#later(blow.atMs, () => this.#strike(blow));
  }

  /** Nobody uses it any more. */
  get isOver(): boolean {
    return this.#dead || (this.#near.destroyed && this.#far.destroyed);
  }

  freeze(): void {
    for (const flow of Object.values(this.#flows)) flow.freeze();
  }

  thaw(): void {
    this.#held = false;
    for (const flow of Object.values(this.#flows)) flow.thaw();
  }

  /** Another connection has carried something. */
  release(): void {
    if (this.#held) this.thaw();
  }

  cut(how: Ending): void {
    if (this.#dead) return;
    this.#dead = true;
    for (const timer of this.#timers) clearTimeout(timer);
    for (const flow of Object.values(this.#flows)) flow.stop();
    for (const socket of [this.#near, this.#far]) {
      if (how === "rst") socket.resetAndDestroy();
      else socket.end(() => socket.destroy());
    }
    this.#owner.closed(this);
  }

  /** No more blows. */
  spare(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#discarding = undefined;
    for (const flow of Object.values(this.#flows)) {
      flow.scissors = undefined;
      flow.delayMs = 0;
    }
    this.thaw();
  }

  /** Ends everything at once. */
  destroy(): void {
    this.cut("rst");
    for (const extra of this.#extras) extra.destroy();
  }

  #dial(): Socket {
    const far = connect({
      port: this.#owner.upstream,
      host: "127.0.0.1",
      allowHalfOpen: true,
      noDelay: true,
    });
    far.on("data", (chunk: Buffer) => {
      if (this.#discarding !== undefined) this.#ask(this.#discarding);
      else this.#flows.down.push(chunk);
    });
    far.on("end", () => this.#flows.down.push("fin"));
    far.on("error", () => this.#flows.down.push("rst"));
    far.on("close", () => this.#check());
    return far;
  }

  #complete(index: number, raw: Buffer): void {
    const repeat = this.#plan.repeat(index);
    if (repeat === undefined || this.#dead) return;
    const what = raw.subarray(0, raw.indexOf(" ")).toString();
    if (repeat.answer === "second") {
      this.#owner.log(`${what} will be repeated, the client gets the second answer`);
      this.#discarding = raw;
    } else {
      this.#later(repeat.afterMs, () => {
        this.#owner.log(`${what} is repeated, the client gets the first answer`);
        this.#repeat(raw);
      });
    }
  }

  /** The client is answered by a second request from now on. */
  #ask(raw: Buffer): void {
    this.#discarding = undefined;
    this.#owner.log("the first answer is thrown away");
    this.#far.removeAllListeners();
    this.#far.on("error", () => {});
    this.#far.destroy();
    this.#far = this.#dial();
    this.#flows.up.to = this.#far;
    this.#far.write(raw);
  }

  #repeat(raw: Buffer): void {
    const extra = connect({ port: this.#owner.upstream, host: "127.0.0.1" });
    this.#extras.add(extra);
    extra.setTimeout(DISCARD_MS, () => extra.destroy());
    extra.on("error", () => {});
    // A response that goes on would keep it for ever; one that was given has done what it can.
    extra.on("data", () => this.#later(20, () => extra.destroy()));
    extra.on("close", () => {
      this.#extras.delete(extra);
      this.#check();
    });
    extra.write(raw);
  }

  #strike(blow: Blow): void {
    if (this.isOver) return;
    switch (blow.kind) {
      case "cut":
        this.#owner.log(`cut (${blow.how})`);
        this.cut(blow.how);
        break;
      case "half-close":
        this.#owner.log(`half-close ${blow.way}`);
        this.#flows[blow.way].push("fin");
        break;
      case "freeze":
        this.#owner.log(`freeze for ${blow.forMs} ms, then ${blow.ends}`);
        this.freeze();
        this.#later(blow.forMs, () => (blow.ends === "thaw" ? this.thaw() : this.cut(blow.ends)));
        break;
      case "delay":
        this.#owner.log(`delay ${blow.way} by ${blow.ms} ms`);
        this.#flows[blow.way].delayMs = blow.ms;
        break;
      case "hold":
        this.#owner.log(`hold for ${blow.forMs} ms at most`);
        this.#held = true;
        this.freeze();
        this.#later(blow.forMs, () => this.release());
        break;
      case "truncate":
        this.#flows[blow.way].scissors = (chunk) => {
          const left = Math.floor(chunk.length * blow.share);
          this.#owner.log(`truncate ${blow.way} after ${left} of ${chunk.length} bytes (${blow.how})`);
          // After the part has left.
          setImmediate(() => this.cut(blow.how));
          return left;
        };
        break;
    }
  }

  #later(ms: number, act: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      if (!this.#dead) act();
    }, ms);
    this.#timers.add(timer);
  }

  #check(): void {
    if (this.#near.destroyed && this.#far.destroyed && this.#extras.size === 0) {
      for (const timer of this.#timers) clearTimeout(timer);
      this.#owner.closed(this);
    }
  }
}
