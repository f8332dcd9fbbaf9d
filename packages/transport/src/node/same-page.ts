import type { KnownSession } from "./checks.js";
import { isHttpPipe } from "./http-pipe.js";
import { checkSameOrigin } from "./origins.js";
import type { Refusal } from "./refusal.js";
import type { Visit } from "./visit.js";

/** Does it come from the page that the session's handshake came from, as far as both are known? */
export function checkSamePage({ req }: Visit, session: KnownSession | undefined): Refusal | undefined {
  const pipe = session?.transport;
  return isHttpPipe(pipe) ? checkSameOrigin(req, pipe.origin) : undefined;
}
