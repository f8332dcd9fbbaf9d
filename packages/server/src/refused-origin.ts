import { shown } from "@sockeye/protocol";
import type { RefusedRequest } from "@sockeye/transport/server";
import type { EngineOptions } from "./options.js";
import type { Warnings } from "./warnings.js";

/** Warns of a page that was refused for its origin: the page itself is not told why by its browser. */
export function warnOfRefusedOrigin(
  { req, context }: RefusedRequest,
  { options, warnings }: { readonly options: EngineOptions; readonly warnings: Warnings },
): void {
  const { name, origin } = context;
  if (name !== "FOREIGN_ORIGIN" || typeof origin !== "string") return;
  const page = shown(origin);
  warnings.warnOnce("SOCKEYE_ORIGIN_REFUSED", page, () => {
    const host = req.headers.host ?? req.headers[":authority"];
    const here = typeof host === "string" ? ` (this server is ${shown(host)})` : "";
    // Who loads a script tells no origin, and is not asked by the rules of CORS.
    const advice = req.headers.origin === undefined ? origins(options, page) : cors(options, page);
    return `Sockeye refused a page of ${page}${here}. To let it in: ${advice}`;
  });
}

function cors({ cors }: EngineOptions, page: string): string {
  if (typeof cors === "function" || (typeof cors === "object" && typeof cors.origin === "function"))
    return "the function in the option cors must allow it";
  const before = typeof cors === "object" ? cors.origin : undefined;
  return `new Server(http, { cors: { origin: ${list(before, page)} } })`;
}

function origins({ origins }: EngineOptions, page: string): string {
  return `new Server(http, { origins: ${list(origins ?? [], page)} })`;
}

/** How much of what is let in already is said again. */
const MOST = 3;

/** What is let in already, and the page. */
function list(before: unknown, page: string): string {
  const entries: unknown[] = Array.isArray(before) ? before : typeof before === "string" ? [before] : [];
  const texts = entries.map((each) => (typeof each === "string" ? `"${each}"` : String(each)));
  const all = [...texts.slice(0, MOST), ...(texts.length > MOST ? ["…"] : []), `"${page}"`];
  return entries.length === 0 && !Array.isArray(before) ? `"${page}"` : `[${all.join(", ")}]`;
}
