import { UsageError } from "@sockeye/protocol";

const TRANSPORTS = ["polling", "websocket", "webtransport", "sse", "stream", "iframe", "jsonp"] as const;

/** A transport that the server can be told to offer. */
export type TransportName = (typeof TRANSPORTS)[number];

/** @throws UsageError `ERR_BAD_OPTION` for what names no transport, or one that is not there */
export function checkTransports({ transports }: { readonly transports?: unknown }): void {
  if (transports === undefined) return;
  const names: readonly unknown[] = Array.isArray(transports) ? transports : [];
  const known: ReadonlySet<unknown> = new Set(TRANSPORTS);
  const wrong = names.filter((name) => !known.has(name));
  if (names.length > 0 && wrong.length === 0) return;
  const given = Array.isArray(transports) ? wrong[0] : transports;
  const meant = transportLike(given);
  throw new UsageError(
    "ERR_BAD_OPTION",
    `The option transports is a list of ${TRANSPORTS.join(", ")}, not ${shownOption(transports)}.${
      meant === undefined ? "" : ` Did you mean ["${meant}"]?`
    }`,
  );
}

const SHORT_NAMES: Readonly<Record<string, TransportName>> = {
  ws: "websocket",
  wss: "websocket",
  http: "polling",
  xhr: "polling",
};

/** The transport that a name stands for, apart from case, hyphens and a plural. */
function transportLike(given: unknown): TransportName | undefined {
  if (typeof given !== "string") return undefined;
  const plain = given.toLowerCase().replace(/[^a-z]/g, "");
  const found = TRANSPORTS.find((name) => plain === name || plain === `${name}s` || plain.endsWith(name));
  return found ?? (Object.hasOwn(SHORT_NAMES, plain) ? SHORT_NAMES[plain] : undefined);
}

function shownOption(value: unknown): string {
  try {
    return JSON.stringify(value) ?? String(value);
  } catch {
    return "this value";
  }
}
