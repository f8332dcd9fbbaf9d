import { isToken } from "./upgrade-check.js";

/** One extension that a client offers, with its parameters. */
export interface ExtensionOffer {
  readonly name: string;
  /** In the client's order. A parameter may be there twice, which no extension allows. */
  readonly parameters: readonly ExtensionParameter[];
}

export interface ExtensionParameter {
  readonly name: string;
  /** `undefined`: the parameter has none. */
  readonly value: string | undefined;
}

/**
 * Reads a `Sec-WebSocket-Extensions` header, in one pass. `undefined` if it is malformed.
 *
 * @see RFC 6455, section 9.1
 */
export function readExtensionOffers(header: string): readonly ExtensionOffer[] | undefined {
  const offers: ExtensionOffer[] = [];
  for (const item of header.split(",")) {
    // A list may have empty elements. @see RFC 9110, section 5.6.1.2
    if (item.trim() === "") continue;
    const [name = "", ...rest] = item.split(";").map((part) => part.trim());
    const parameters = rest.map(readParameter);
    if (!isToken(name) || !parameters.every(isDefined)) return undefined;
    offers.push({ name, parameters });
  }
  return offers;
}

function readParameter(text: string): ExtensionParameter | undefined {
  const equals = text.indexOf("=");
  if (equals < 0) return isToken(text) ? { name: text, value: undefined } : undefined;
  const name = text.slice(0, equals).trim();
  const value = unquoted(text.slice(equals + 1).trim());
  return isToken(name) && isToken(value) ? { name, value } : undefined;
}

/** What stands in quotes must be a token without them. */
function unquoted(value: string): string {
  return value.length > 2 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

function isDefined<T>(value: T | undefined): value is T {
  return value !== undefined;
}
