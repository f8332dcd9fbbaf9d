/**
 * Events of Sockeye itself: ordinary events on the wire, so that a client in any language can send them by hand. Special only where the
 * feature is in use, and never sent to a client that has sent none.
 *
 * @see PROTOCOL.md, "Calls"
 */
export const OWN_EVENTS = {
  /** From a client, without arguments: it handles calls, and takes `cancel`. */
  calls: "sockeye:calls",
  /** Of a call, by the id of its acknowledgement: nobody waits for the answer any more. */
  cancel: "sockeye:cancel",
} as const;

const PREFIX = "sockeye:";

export function isOwnEvent(name: unknown): boolean {
  return typeof name === "string" && name.startsWith(PREFIX);
}
