import type { ClusterMessage, ClusterResponse } from "socket.io-adapter";
import { ClusterAdapterWithHeartbeat } from "socket.io-adapter";

/** A bus within this process: what goes over it is copied as it would be between processes. */
export class Bus {
  readonly members: Set<BusAdapter> = new Set();

  publish(message: ClusterMessage | ClusterResponse): void {
    const copy = structuredClone(message) as ClusterMessage;
    for (const member of this.members) setImmediate(() => member.hear(copy));
  }

  /** The class of the adapters on this bus, as an app would write it. */
  adapter(): new (nsp: unknown) => BusAdapter {
    const bus = this;
    return class extends BusAdapter {
      constructor(nsp: unknown) {
        super(nsp, bus);
      }
    };
  }
}

/** An app's own adapter, derived from `socket.io-adapter` as its documentation shows. */
export class BusAdapter extends ClusterAdapterWithHeartbeat {
  readonly #bus: Bus;

  constructor(nsp: unknown, bus: Bus) {
    super(nsp, {});
    this.#bus = bus;
  }

  override init(): void {
    this.#bus.members.add(this);
    super.init();
  }

  override close(): void {
    super.close();
    this.#bus.members.delete(this);
  }

  hear(message: ClusterMessage): void {
    if (message.nsp === this.nsp.name) this.onMessage(message);
  }

  protected override doPublish(message: ClusterMessage): Promise<string> {
    this.#bus.publish(message);
    return Promise.resolve("");
  }

  protected override doPublishResponse(_uid: string, response: ClusterResponse): Promise<void> {
    this.#bus.publish(response);
    return Promise.resolve();
  }
}
