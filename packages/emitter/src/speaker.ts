import type { Choice } from "./selected.js";

/** Carries what an emitter says to the servers, in a wire of theirs. */
export interface Speaker {
  /** Resolves once the bus works; rejects if it never can. */
  readonly ready: Promise<void>;
  /** @throws CodecError `ERR_UNENCODABLE` */
  emit(namespace: string, data: readonly [string, ...unknown[]], choice: Choice): void;
  /** Makes all nodes do something to sockets of theirs. */
  act(namespace: string, op: "join" | "leave" | "disconnect", choice: Choice, arg: unknown): void;
  /** An event for the servers. */
  tell(namespace: string, data: readonly unknown[]): void;
  /** Resolves once all that was said has left, after five seconds at the latest. */
  close(): Promise<void>;
}
