/**
 * Events of Sockeye itself: ordinary events on the wire, so that a client in any language can send them by hand. Special only where the
 * feature is in use, and never sent to a client that has sent none.
 *
 * @see PROTOCOL.md, "Calls", "Rooms that remember" and "Streams"
 */
export const OWN_EVENTS = {
  /** From a client, without arguments: it handles calls, and takes `cancel`. */
  calls: "sockeye:calls",
  /** For a call, by the id of its acknowledgement: nobody waits for the answer any more. */
  cancel: "sockeye:cancel",
  /** From a client: joins a room that has a rule, leaves it, publishes to it, reads what it keeps. */
  join: "sockeye:join",
  leave: "sockeye:leave",
  publish: "sockeye:publish",
  history: "sockeye:history",
  /** From a client: shows itself in a room, or asks who is there. To clients: who came and went. */
  presence: "sockeye:presence",
  /** To a client: an event of a room that it has joined. */
  event: "sockeye:event",
  /** To a client: the server has put it out of a room. */
  left: "sockeye:left",
  /** From a client: begins a stream, or attaches to one that is kept. To a client: it is kept, and under which id. */
  open: "sockeye:open",
  opened: "sockeye:opened",
  /** From the producer of a stream: an item; the end, or the error. */
  item: "sockeye:item",
  end: "sockeye:end",
  /** From the consumer of a stream: it has taken the items up to this one; it stops the producer; it goes away. */
  taken: "sockeye:taken",
  stop: "sockeye:stop",
  detach: "sockeye:detach",
} as const;

const PREFIX = "sockeye:";

export function isOwnEvent(name: unknown): boolean {
  return typeof name === "string" && name.startsWith(PREFIX);
}
