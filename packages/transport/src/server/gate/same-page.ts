import { isHttpPipe } from "../http/http-pipe.js";
import type { Incoming } from "../request/incoming.js";
import { checkSameOrigin } from "../request/origins.js";
import type { Refusal } from "../request/refusal.js";
import type { KnownSession } from "./checks.js";

/** Does it come from the page that the session's handshake came from, as far as both are known? */
export function checkSamePage({ req }: Incoming, session: KnownSession | undefined): Refusal | undefined {
  const pipe = session?.transport;
  return isHttpPipe(pipe) ? checkSameOrigin(req, pipe.origin) : undefined;
}
