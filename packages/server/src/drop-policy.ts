import type { EventPacket, OverflowPolicy } from "@sockeye/protocol";
import { AckError } from "@sockeye/protocol";
import type { DropPolicy } from "@sockeye/session";

/**
 * What a policy means for one event.
 *
 * @param unanswered told the id of the acknowledgement that will not come
 */
export function dropPolicyOf(
  { nsp, id, data }: EventPacket,
  policy: Exclude<OverflowPolicy, "close">,
  unanswered: (id: number) => void,
): DropPolicy {
  const dropped = id === undefined ? undefined : () => unanswered(id);
  if (policy === "drop-oldest" || policy === "drop-newest") return { policy, dropped };
  const key = policy === "conflate" ? `event ${data[0]}` : `key ${policy.conflate}`;
  // A connection has many namespaces, whose names hold no comma.
  return { policy: "conflate", key: `${nsp},${key}`, dropped };
}

export function eventDropped(): AckError {
  return new AckError("ERR_EVENT_DROPPED", "the event was dropped: the client reads too slowly");
}
