import type { Transport, TransportSink } from "@sockeye/protocol";
import { deferTask, TransportError } from "@sockeye/protocol";

/** Stands for a transport that could not even be made. Fails like one that could not be opened, once it has a listener. */
export class FailedTransport implements Transport {
  readonly writable = false;
  #sink: TransportSink | undefined;

  constructor(
    readonly name: string,
    readonly error: unknown,
  ) {}

  bind(sink: TransportSink): void {
    this.#sink = sink;
    const cause = new TransportError("ERR_TRANSPORT_OPEN", `${this.name} error`, this.error);
    deferTask(() => this.#sink?.ended(this, "lost", "transport error", cause));
  }

  send(): void {}

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  close(): void {
    this.#sink = undefined;
  }
}
