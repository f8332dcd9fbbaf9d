import type { ZlibOptions } from "node:zlib";
import { UsageError } from "@sockeye/protocol";
import { Deflater, MAX_WINDOW } from "./deflater.js";
import { type ExtensionOffer, readExtensionOffers } from "./extension-offer.js";
import { Inflater } from "./inflater.js";
import { ZlibQueue } from "./zlib-queue.js";

/** What both ends of a connection agreed on. One object for all connections with the same parameters. */
export interface AgreedDeflate {
  /** The value of the `Sec-WebSocket-Extensions` header of the response. */
  readonly response: string;
  readonly deflater: Deflater;
  readonly inflater: Inflater;
}

export interface DeflateExtensionOptions {
  /** Bytes of one message, unpacked. */
  readonly maxPayload: number;
  /** `true`, or options as the `ws` package has them. */
  readonly perMessageDeflate: true | Readonly<Record<string, unknown>>;
}

const NAME = "permessage-deflate";

/** As `ws` and Socket.IO have them. */
const DEFAULT_THRESHOLD = 1024;
const DEFAULT_CONCURRENCY = 10;

/** zlib takes 8 for 9. */
const MIN_SERVER_WINDOW = 9;
const MIN_CLIENT_WINDOW = 8;

/** The parameters of an offer that is well-formed. `true`: `client_max_window_bits` without a value. */
interface Offered {
  readonly serverBits: number | undefined;
  readonly clientBits: number | true | undefined;
}

/**
 * The extension permessage-deflate, as a server speaks it: always without context takeover, so that a broadcast is
 * compressed once for all, and nothing is kept for a connection.
 *
 * @see RFC 7692, section 7
 */
export class DeflateExtension {
  readonly #serverBits: number | boolean;
  readonly #clientBits: number | boolean;
  readonly #options: { readonly threshold: number; readonly zlib: ZlibOptions; readonly queue: ZlibQueue };
  readonly #inflater: Inflater;
  readonly #agreed = new Map<string, AgreedDeflate>();

  /** @throws UsageError `ERR_BAD_OPTION` */
  constructor({ maxPayload, perMessageDeflate }: DeflateExtensionOptions) {
    const given = perMessageDeflate === true ? {} : perMessageDeflate;
    const atOnce = numberFrom(given, "concurrencyLimit", DEFAULT_CONCURRENCY, 1);
    const threshold = numberFrom(given, "threshold", DEFAULT_THRESHOLD, 0);
    this.#serverBits = bitsFrom(given, "serverMaxWindowBits", MIN_SERVER_WINDOW);
    this.#clientBits = bitsFrom(given, "clientMaxWindowBits", MIN_CLIENT_WINDOW);
    this.#options = { threshold, zlib: zlibFrom(given, "zlibDeflateOptions"), queue: new ZlibQueue(atOnce) };
    // A queue for each direction: what clients have packed must not keep waiting what is packed for others.
    const zlib = zlibFrom(given, "zlibInflateOptions");
    this.#inflater = new Inflater({ maxPayload, zlib, queue: new ZlibQueue(atOnce) });
    // So that options which zlib does not take are told now.
    this.#agree(MAX_WINDOW, []);
  }

  /** Does the app want what this does not do: context takeover, or the smallest window? */
  static isBeyond(perMessageDeflate: boolean | Readonly<Record<string, unknown>>): boolean {
    if (typeof perMessageDeflate === "boolean") return false;
    const { serverNoContextTakeover, clientNoContextTakeover, serverMaxWindowBits } = perMessageDeflate;
    return (
      serverNoContextTakeover === false || clientNoContextTakeover === false || serverMaxWindowBits === 8
    );
  }

  /** Takes the first offer that can be taken; `undefined` if there is none. `malformed`: the header is none at all. */
  negotiate(header: string | undefined): AgreedDeflate | "malformed" | undefined {
    if (header === undefined) return undefined;
    const offers = readExtensionOffers(header);
    if (offers === undefined) return "malformed";
    for (const offer of offers) {
      const offered = offer.name === NAME ? readOffer(offer) : undefined;
      const agreed = offered && this.#accept(offered);
      if (agreed !== undefined) return agreed;
    }
    return undefined;
  }

  #accept({ serverBits, clientBits }: Offered): AgreedDeflate | undefined {
    const own = this.#serverBits;
    const wanted = this.#clientBits;
    if (serverBits !== undefined) {
      const least = typeof own === "number" ? own : MIN_SERVER_WINDOW;
      if (own === false || serverBits < least) return undefined;
    }
    // A client that does not offer it cannot be told to use a smaller window.
    if (
      typeof wanted === "number" &&
      (clientBits === undefined || (clientBits !== true && clientBits < wanted))
    )
      return undefined;
    const parameters: string[] = [];
    const agreedBits = typeof own === "number" ? own : serverBits;
    if (agreedBits !== undefined) parameters.push(`server_max_window_bits=${agreedBits}`);
    if (typeof wanted === "number") parameters.push(`client_max_window_bits=${wanted}`);
    return this.#agree(agreedBits ?? MAX_WINDOW, parameters);
  }

  #agree(windowBits: number, parameters: readonly string[]): AgreedDeflate {
    const response = [NAME, "server_no_context_takeover", "client_no_context_takeover", ...parameters].join(
      "; ",
    );
    let agreed = this.#agreed.get(response);
    if (agreed === undefined) {
      const deflater = new Deflater(this.#options, windowBits);
      agreed = { response, deflater, inflater: this.#inflater };
      this.#agreed.set(response, agreed);
    }
    return agreed;
  }
}

/** `undefined`: it must be declined. @see RFC 7692, section 7.1 */
function readOffer({ parameters }: ExtensionOffer): Offered | undefined {
  let serverBits: number | undefined;
  let clientBits: number | true | undefined;
  const names = new Set<string>();
  for (const { name, value } of parameters) {
    if (names.has(name)) return undefined;
    names.add(name);
    switch (name) {
      case "server_no_context_takeover":
      case "client_no_context_takeover":
        if (value !== undefined) return undefined;
        break;
      case "server_max_window_bits":
        serverBits = readBits(value);
        if (serverBits === undefined) return undefined;
        break;
      case "client_max_window_bits":
        clientBits = value === undefined ? true : readBits(value);
        if (clientBits === undefined) return undefined;
        break;
      default:
        return undefined;
    }
  }
  return { serverBits, clientBits };
}

/** A decimal number from 8 to 15, without leading zeros. */
function readBits(value: string | undefined): number | undefined {
  const bits = Number(value);
  return bits >= 8 && bits <= MAX_WINDOW && String(bits) === value ? bits : undefined;
}

function numberFrom(
  given: Readonly<Record<string, unknown>>,
  name: string,
  fallback: number,
  least: number,
): number {
  const value = given[name] ?? fallback;
  if (typeof value === "number" && value >= least) return value;
  throw badOption(name, `a number, at least ${least}`);
}

/** A boolean says whether a client may ask for it. */
function bitsFrom(given: Readonly<Record<string, unknown>>, name: string, least: number): number | boolean {
  const value = given[name] ?? true;
  if (typeof value === "boolean") return value;
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= MAX_WINDOW)
    return value;
  throw badOption(name, `true, false, or a whole number from ${least} to ${MAX_WINDOW}`);
}

function zlibFrom(given: Readonly<Record<string, unknown>>, name: string): ZlibOptions {
  const value = given[name] ?? {};
  if (typeof value === "object") return value as ZlibOptions;
  throw badOption(name, "an object");
}

function badOption(name: string, kind: string): UsageError {
  return new UsageError("ERR_BAD_OPTION", `perMessageDeflate.${name} must be ${kind}`);
}
