import type { Answerer, AnyCallHandler, StreamTable } from "@sockeye/contract/internal";
import { answering } from "@sockeye/contract/internal";
import { UsageError } from "@sockeye/protocol";
import type { ContractEnd, Listener, ListenOptions } from "@sockeye/socket";

/** What a namespace knows of what its sockets say to each other: its contract, and who handles calls. Made only where one is in use. */
export class Exchange {
  contract: ContractEnd | undefined = undefined;
  /** Its streams; unset until one is declared. */
  streams: StreamTable | undefined = undefined;
  readonly #handlers = new Map<string, Listener>();

  /** For a dynamic namespace: begins with what its parent has. */
  copy(): Exchange {
    const copy = new Exchange();
    copy.contract = this.contract;
    for (const [name, handler] of this.#handlers) copy.#handlers.set(name, handler);
    return copy;
  }

  /** Who handles the calls of that name, for all sockets. */
  handlerOf(name: unknown): Listener | undefined {
    return this.#handlers.get(String(name));
  }

  /**
   * @param of whose calls it answers: called with the socket
   * @throws UsageError `ERR_HANDLED`
   */
  handle(
    name: string,
    handler: AnyCallHandler,
    { of, signal }: ListenOptions & { readonly of: (socket: object) => Answerer },
  ): void {
    this.requireFree(name);
    if (signal?.aborted) return;
    this.#handlers.set(name, answering(name, handler, of));
    signal?.addEventListener("abort", () => this.#handlers.delete(name), { once: true });
  }

  /** @throws UsageError `ERR_HANDLED` if the name has a handler */
  requireFree(name: unknown): void {
    if (this.#handlers.size > 0 && this.handlerOf(name)) throw handledAlready(name);
  }
}

export function handledAlready(name: unknown): UsageError {
  return new UsageError("ERR_HANDLED", `"${String(name)}" has a handler or a listener already`);
}
