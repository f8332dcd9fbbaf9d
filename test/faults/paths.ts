import type { ClientOptions } from "../support/servers.js";

/** How a client gets to its server. */
export interface Path {
  readonly label: string;
  readonly options: ClientOptions;
}

const STOCK: readonly Path[] = [
  { label: "default", options: {} },
  { label: "websocket", options: { transports: ["websocket"] } },
  { label: "polling", options: { transports: ["polling"] } },
  {
    label: "websocket, polling",
    options: { transports: ["websocket", "polling"], tryAllTransports: true },
  },
];

const OWN: readonly Path[] = [
  { label: "stream", options: { transports: ["stream"] } },
  { label: "sse", options: { transports: ["sse"] } },
  {
    label: "stream, websocket, polling",
    options: { transports: ["stream", "websocket", "polling"], tryAllTransports: true },
  },
  {
    label: "websocket, stream, sse, polling",
    options: { transports: ["websocket", "stream", "sse", "polling"], tryAllTransports: true },
  },
];

/** The ways that both ends know; of those, the ones that are named, if any are. */
export function pathsFor(who: {
  readonly client: string;
  readonly server: string;
  readonly paths?: readonly string[];
}): readonly Path[] {
  const known = who.client === "sockeye" && who.server === "sockeye" ? [...STOCK, ...OWN] : STOCK;
  const chosen = known.filter(({ label }) => who.paths?.includes(label) ?? true);
  if (chosen.length === 0)
    throw new Error(`no path is one of: ${known.map(({ label }) => label).join("; ")}`);
  return chosen;
}
