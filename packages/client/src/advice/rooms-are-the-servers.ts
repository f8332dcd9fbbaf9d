import { UsageError } from "@sockeye/protocol";

/** Methods of a server's socket that people look for on a client's. */
const NAMES = ["join", "leave", "to", "in", "except"];

/**
 * Without it the error would be "socket.join is not a function". The methods are not to be seen: no types, not enumerable; and an app's own of the
 * same name takes their place.
 */
export function refuseRooms(prototype: object): void {
  for (const name of NAMES) {
    const value = (): never => {
      throw new UsageError(
        "ERR_NOT_SUPPORTED",
        `a client has no ${name}(): rooms are the server's. Emit an event, and let the server call socket.${name}() in its handler`,
      );
    };
    Object.defineProperty(prototype, name, { value, writable: true, configurable: true });
  }
}
