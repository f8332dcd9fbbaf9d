import type { Limits, SockeyeError } from "@sockeye/protocol";
import { TransportError } from "@sockeye/protocol";
import type { Refusal } from "./refusal.js";

export type UrlLimits = Pick<Limits, "maxUrlLength" | "maxQueryParameters">;

const AMPERSAND = 0x26;

/**
 * What is wrong with the size of a request target. HTTP/1 has a bound for all headers together; HTTP/2, HTTP/3, and servers with
 * another `maxHeaderSize`, let longer ones through, and a session keeps the URL that it began with.
 */
export function urlExcess(url: string, limits: UrlLimits): SockeyeError | undefined {
  const { maxUrlLength, maxQueryParameters } = limits;
  if (url.length > maxUrlLength)
    return new TransportError("ERR_URL_TOO_LONG", `the URL has more than ${maxUrlLength} characters`);
  // More parameters than that need more characters.
  if (url.length <= maxQueryParameters || !hasMoreThan(url, maxQueryParameters)) return undefined;
  const text = `the query has more than ${maxQueryParameters} parameters`;
  return new TransportError("ERR_TOO_MANY_PARAMETERS", text);
}

/** As it is answered. */
export function urlRefusal(error: SockeyeError): Refusal {
  const context = { name: error.code, message: error.message, error };
  return { reason: "BAD_REQUEST", status: error.code === "ERR_URL_TOO_LONG" ? 414 : undefined, context };
}

/** Has the query more parameters than that, empty ones included? */
function hasMoreThan(url: string, most: number): boolean {
  let count = 1;
  for (let at = url.indexOf("?") + 1; at < url.length; at++)
    if (url.charCodeAt(at) === AMPERSAND && ++count > most) return true;
  return false;
}
