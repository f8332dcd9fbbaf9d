import type { IncomingMessage } from "node:http";
import { types } from "node:util";
import cors from "cors";
import type { Middleware } from "./middleware.js";
import { corsEntry } from "./origins.js";

type StaticOrigin = boolean | string | RegExp | (boolean | string | RegExp)[];

type CustomOrigin = (
  requestOrigin: string | undefined,
  callback: (error: Error | null, origin?: StaticOrigin) => void,
) => void;

/** Which other origins may use the server from a browser over HTTP. The options of the `cors` package. */
export interface CorsOptions {
  /** Texts as in the option `origins`: wildcards for labels of the host and for the port, a slash at the end forgiven. Default `*`. */
  origin?: StaticOrigin | CustomOrigin | undefined;
  /** Default `GET,HEAD,PUT,PATCH,POST,DELETE`. */
  methods?: string | string[] | undefined;
  allowedHeaders?: string | string[] | undefined;
  exposedHeaders?: string | string[] | undefined;
  credentials?: boolean | undefined;
  /** Seconds. */
  maxAge?: number | undefined;
  preflightContinue?: boolean | undefined;
  /** Default 204. */
  optionsSuccessStatus?: number | undefined;
}

/** Decides by request. */
export type CorsOptionsDelegate = (
  req: IncomingMessage,
  callback: (error: Error | null, options?: CorsOptions) => void,
) => void;

/**
 * The middleware for these options. Warns once if they let every site act with its visitors' cookies.
 *
 * @param failed told of what the app's functions throw, or reject with
 */
export function corsMiddleware(
  options: CorsOptions | CorsOptionsDelegate | true,
  failed: (error: unknown) => void = () => {},
): Middleware {
  if (options === true) return cors<IncomingMessage>();
  if (typeof options === "object" && options.origin === true && options.credentials === true) {
    process.emitWarning("cors: { origin: true, credentials: true } lets every website act as its visitors", {
      code: "SOCKEYE_CORS_ANY_ORIGIN",
      detail: "Name the origins that you trust. See docs/troubleshooting.md#a-page-is-refused",
    });
  }
  if (typeof options === "function") return cors<IncomingMessage>(guarded(options, failed));
  const { origin } = options;
  if (origin === undefined || origin === null) return cors<IncomingMessage>(options);
  if (typeof origin === "function")
    return cors<IncomingMessage>({ ...options, origin: guarded(origin, failed) });
  return cors<IncomingMessage>({ ...options, origin: checkedOrigin(origin) });
}

/** @throws UsageError `ERR_BAD_OPTION` if a text in `cors.origin` is no origin, so that this shows when the server starts */
export function checkCors(options: CorsOptions | CorsOptionsDelegate | boolean | undefined): void {
  if (typeof options !== "object" || options === null) return;
  const { origin } = options;
  if (origin !== undefined && origin !== null && typeof origin !== "function") checkedOrigin(origin);
}

function checkedOrigin(origin: StaticOrigin): StaticOrigin {
  return Array.isArray(origin) ? origin.map(checkedEntry) : checkedEntry(origin);
}

/** The package takes everything else for "everybody", expressions of another realm among it. */
function checkedEntry(entry: boolean | string | RegExp): boolean | string | RegExp {
  if (typeof entry === "boolean") return entry;
  if (!types.isRegExp(entry)) return corsEntry(entry);
  return entry instanceof RegExp ? entry : new RegExp(entry);
}

type Answer<T> = (error: Error | null, answer?: T) => void;

/** The app's function may throw, or be an `async` one that rejects: both are an error like that of its callback. */
function guarded<Asked, T>(
  ask: (asked: Asked, callback: Answer<T>) => unknown,
  failed: (error: unknown) => void,
): (asked: Asked, callback: Answer<T>) => void {
  return (asked, callback) => {
    let answered = false;
    const answer: Answer<T> = (...given) => {
      answered = true;
      callback(...given);
    };
    const fail = (error: unknown): void => {
      failed(error);
      if (!answered) callback((error || new Error("cors failed")) as Error);
    };
    try {
      Promise.resolve(ask(asked, answer)).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}
