import type { IncomingMessage } from "node:http";

/** What another node says of a request that it has passed on, and has checked before. */
export interface ForwardedFacts {
  /** Where the client is. */
  readonly address: string;
  /** Who may read the answer, as the middlewares there have decided. */
  readonly corsAnswer?: string | undefined;
}

/** On the request itself: in a `WeakMap` each would cost the garbage collector more than all else that is done with it. */
const FACTS: unique symbol = Symbol("forwarded");

interface Marked extends IncomingMessage {
  [FACTS]?: ForwardedFacts | undefined;
}

/** Remembers where a request came from that another node has passed on. */
export function markForwarded(req: Marked, said: ForwardedFacts): void {
  req[FACTS] = said;
}

/** Undefined: the client itself has sent it here. */
export function forwardedFacts(req: Marked): ForwardedFacts | undefined {
  return req[FACTS];
}

/** The address of the client, or of the last proxy before the first node. Empty if it is not known any more. */
export function remoteAddress(req: Marked): string {
  return req[FACTS]?.address ?? req.socket?.remoteAddress ?? "";
}
