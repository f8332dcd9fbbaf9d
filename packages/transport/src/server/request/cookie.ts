import { UsageError } from "@sockeye/protocol";
import { type SerializeOptions, serialize } from "cookie";

/** The cookie of a polling handshake, which holds the session id for load balancers. Options of the `cookie` package. */
export interface CookieOptions {
  /** Default `io`. */
  name?: string | undefined;
  /** Default `/`. */
  path?: string | undefined;
  domain?: string | undefined;
  /** Seconds. */
  maxAge?: number | undefined;
  expires?: Date | undefined;
  /** Default true. */
  httpOnly?: boolean | undefined;
  secure?: boolean | undefined;
  partitioned?: boolean | undefined;
  priority?: "low" | "medium" | "high" | undefined;
  /** Default `lax`. */
  sameSite?: boolean | "lax" | "strict" | "none" | undefined;
  encode?: ((value: string) => string) | undefined;
}

/**
 * Gives the function that writes the `Set-Cookie` header for a session id.
 *
 * @throws UsageError `ERR_BAD_OPTION` if the options do not make a valid cookie, so that this shows when the server starts
 */
export function sessionCookie(options: CookieOptions | true): (sid: string) => string {
  const { name, ...attributes } = {
    name: "io",
    path: "/",
    httpOnly: true,
    sameSite: "lax",
    ...(options === true ? {} : options),
  } as const;
  const write = (sid: string): string => serialize(name ?? "io", sid, attributes as SerializeOptions);
  try {
    write("sid");
  } catch (error) {
    throw new UsageError("ERR_BAD_OPTION", "the cookie option does not make a valid cookie", error);
  }
  return write;
}
