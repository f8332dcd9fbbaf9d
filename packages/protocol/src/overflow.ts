/**
 * What becomes of an event for a peer that reads too slowly, once `maxOutboundBytes` wait for it.
 *
 * - `close`: the connection ends, with `ERR_OUTBOUND_FULL`
 * - `drop-oldest`: the oldest waiting events that may be dropped make room
 * - `drop-newest`: the event itself is dropped
 * - `conflate`: of the events that wait, only the last of each name stays; `{ conflate: key }` names what is replaced
 *   instead, in its namespace. It holds as soon as the peer is behind. If there is still no room, as `close`.
 *
 * Whatever the policy, an event is dropped whole, order stays, and only events are: no acknowledgement, no CONNECT.
 */
export type OverflowPolicy =
  | "close"
  | "drop-oldest"
  | "drop-newest"
  | "conflate"
  | { readonly conflate: string };
