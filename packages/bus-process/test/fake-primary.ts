// Workers and their primary inside one process: what they send is copied as IPC copies it, and arrives later, in order.
import { EventEmitter } from "node:events";
import type { ProcessPort } from "@sockeye/bus-process";

export class FakePrimary extends EventEmitter {
  readonly settings: unknown[] = [];
  readonly workers: FakeWorker[] = [];

  setupPrimary(settings: unknown): void {
    this.settings.push(settings);
  }

  fork(): FakeWorker {
    const worker = new FakeWorker(this, this.workers.length + 1);
    this.workers.push(worker);
    return worker;
  }
}

/** Both ends of a worker's channel. */
export class FakeWorker {
  readonly port: ProcessPort & EventEmitter;
  isAlive = true;
  /** Of its channel: what it has sent may be read when it is dead. */
  #isOpen = true;

  constructor(
    readonly primary: FakePrimary,
    readonly id: number,
  ) {
    const send = (message: object): void =>
      this.#later(message, (copy) => primary.emit("message", this, copy));
    this.port = Object.assign(new EventEmitter(), { connected: true, send });
  }

  isConnected(): boolean {
    return this.#isOpen;
  }

  isDead(): boolean {
    return !this.isAlive;
  }

  send(message: object): void {
    this.#later(message, (copy) => {
      if (this.isAlive) this.port.emit("message", copy);
    });
  }

  /** What it has sent is read before its channel ends, as Node does; its exit may be told before or after that. */
  die(first: "exit" | "disconnect" = "disconnect"): void {
    this.isAlive = false;
    if (first === "exit") this.primary.emit("exit", this);
    setImmediate(() => {
      this.#isOpen = false;
      this.primary.emit("disconnect", this);
      if (first !== "exit") this.primary.emit("exit", this);
    });
  }

  #later(message: object, deliver: (copy: unknown) => void): void {
    const copy: unknown = structuredClone(message);
    setImmediate(() => deliver(copy));
  }
}
