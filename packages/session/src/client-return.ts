import { claimPacket, withCount } from "@sockeye/codec";
import type { EncodedPacket, OpenData, Transport } from "@sockeye/protocol";
import type { ClientEnd } from "./client-end.js";

/** The packet that proves, on another transport, that this session is the client's own. */
export function claimOf({ session, secret }: ClientEnd): EncodedPacket {
  const { id: sid, counted } = session;
  return claimPacket({ sid, secret, received: counted?.received ?? 0 });
}

/**
 * The server has agreed that the session continues over this transport.
 *
 * @returns false if its terms cannot be, or the session has ended
 */
export function resume(end: ClientEnd, transport: Transport, terms: OpenData): boolean {
  const { session, silenceMs } = end;
  const { id, counted, outgoing } = session;
  const { received, secret = "" } = terms.resume ?? {};
  if (!counted || received === undefined || terms.sid !== id) return false;
  if (!counted.move(session, transport, received, silenceMs)) return false;
  end.accept(terms, secret);
  // Also tells that the new secret has come.
  counted.unreported();
  outgoing.queue(withCount("noop", counted.received));
  session.observer?.onResume?.(transport);
  end.probe(terms.upgrades);
  return true;
}
