import type { ClientName, ServerName } from "../support/servers.js";

// Where Sockeye does something else than Socket.IO, on purpose. One row each, with the reason; the suites test both
// expectations. Every row has its line in docs/differences.md.

export interface Difference<Stock, Own> {
  readonly reason: string;
  readonly stock: Stock;
  readonly sockeye: Own;
}

export const DIFFERENCES = {
  serverAckAfterDisconnect: {
    reason: "A promise of emitWithAck must not stay pending for ever when the client is gone.",
    stock: "pending",
    sockeye: "rejected",
  },
  eventsBeforeGoodbye: {
    reason:
      "Socket.IO's server defers events by a tick and goodbyes not at all, so it drops events that arrive together " +
      "with the goodbye that follows them.",
    stock: "some",
    sockeye: "all",
  },
  rejoinAtOnce: {
    reason:
      "A client that leaves a namespace and joins it again at once (disconnect(), connect()) sends both packets " +
      "together. Socket.IO's server handles the first a tick late, takes the second for a violation and closes.",
    stock: "closed",
    sockeye: "joined",
  },
  volatileWhileDisconnected: {
    reason:
      "Documented as dropped. Socket.IO's client looks at the transport of the connection that is gone and keeps the " +
      "message like any other.",
    stock: ["socket.io-client 4 websocket", "socket.io-client 4 polling, then websocket"],
    sockeye: [],
  },
  invalidNamespaceInVersion2: {
    reason:
      "Socket.IO 2's server refuses with a text, and its clients hand that to `error` listeners. Version 4 does so for " +
      "middlewares, and forgets it for namespaces that do not exist.",
    stock: { message: "Invalid namespace" },
    sockeye: "Invalid namespace",
  },
  offsetsInVersion2: {
    reason:
      "A client of version 2 cannot be recovered; to its handlers the offset would be one argument more.",
    stock: 2,
    sockeye: 1,
  },
} as const satisfies Record<string, Difference<unknown, unknown>>;

/** What to expect of this implementation. */
export function expectedOf<S, O>(difference: Difference<S, O>, name: ServerName | ClientName): S | O {
  return name === "sockeye" ? difference.sockeye : difference.stock;
}
