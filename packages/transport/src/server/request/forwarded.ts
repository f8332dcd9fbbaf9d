import type { IncomingMessage } from "node:http";

/** What another node says of a request that it has passed on, and has checked before. */
export interface ForwardedFacts {
  /** Where the client is. */
  readonly address: string;
  /** Who may read the answer, as the middlewares there have decided. */
  readonly corsAnswer?: string | undefined;
}

const facts = new WeakMap<IncomingMessage, ForwardedFacts>();

/** Remembers where a request came from that another node has passed on. */
export function markForwarded(req: IncomingMessage, said: ForwardedFacts): void {
  facts.set(req, said);
}

/** Undefined: the client itself has sent it here. */
export function forwardedFacts(req: IncomingMessage): ForwardedFacts | undefined {
  return facts.get(req);
}

/** The address of the client, or of the last proxy before the first node. Empty if it is not known any more. */
export function remoteAddress(req: IncomingMessage): string {
  return facts.get(req)?.address ?? req.socket?.remoteAddress ?? "";
}
