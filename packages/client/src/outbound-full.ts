import { AckError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Emit } from "@sockeye/socket";
import { callGuarded } from "@sockeye/socket";
import type { PeerHandle } from "./peer-host.js";
import { reportAppError } from "./report-error.js";

export const MAX_OUTBOUND_BYTES: number = 64 * 1024 * 1024;

/** Too much waits for the server already. @param takesErrors does each acknowledgement of the socket take an error first? */
export function tellFull(
  { event, ack, ackTakesError }: Emit,
  target: PeerHandle,
  takesErrors: boolean,
): void {
  const error = new AckError("ERR_OUTBOUND_FULL", prose("tooMuchWaits"));
  if (ack && (ackTakesError || takesErrors)) callGuarded(ack, [error], { target, event });
  else reportAppError(error);
}
