import { SHOW_INCOMING } from "@sockeye/protocol";
import { dispatch } from "@sockeye/socket";
import type { PeerHandle } from "./peer-host.js";

/** Shows an event to the app. @returns whether anybody has heard it */
export function deliver(handle: PeerHandle, event: readonly unknown[]): boolean {
  handle[SHOW_INCOMING](event);
  return dispatch(handle, event[0] as string, event.slice(1)) || handle.listenersAny().length > 0;
}
