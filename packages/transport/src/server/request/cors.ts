import type { IncomingMessage } from "node:http";
import cors from "cors";
import type { Middleware } from "./middleware.js";

type StaticOrigin = boolean | string | RegExp | (boolean | string | RegExp)[];

type CustomOrigin = (
  requestOrigin: string | undefined,
  callback: (error: Error | null, origin?: StaticOrigin) => void,
) => void;

/** Which other origins may use the server from a browser over HTTP. The options of the `cors` package. */
export interface CorsOptions {
  /** Default `*`. */
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

/** The middleware for these options. Warns once if they let every site act with its visitors' cookies. */
export function corsMiddleware(options: CorsOptions | CorsOptionsDelegate | true): Middleware {
  if (options === true) return cors<IncomingMessage>();
  if (typeof options === "object" && options.origin === true && options.credentials === true) {
    process.emitWarning("cors: { origin: true, credentials: true } lets every website act as its visitors", {
      code: "SOCKEYE_CORS_ANY_ORIGIN",
    });
  }
  if (typeof options === "function") return cors<IncomingMessage>(guarded(options));
  const { origin } = options;
  if (typeof origin !== "function") return cors<IncomingMessage>(options);
  return cors<IncomingMessage>({ ...options, origin: guarded(origin) });
}

type Answer<T> = (error: Error | null, answer?: T) => void;

/** The app's function may throw, or be an `async` one that rejects: both are an error like that of its callback. */
function guarded<Asked, T>(
  ask: (asked: Asked, callback: Answer<T>) => unknown,
): (asked: Asked, callback: Answer<T>) => void {
  return (asked, callback) => {
    const fail = (error: unknown): void => callback((error || new Error("cors failed")) as Error);
    try {
      Promise.resolve(ask(asked, callback)).catch(fail);
    } catch (error) {
      fail(error);
    }
  };
}
