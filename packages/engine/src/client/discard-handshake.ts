import type { Clock, Frame, Transport } from "@sockeye/protocol";
import type { Target } from "@sockeye/transport/client";

/** A server that has not answered a handshake by then has no session either. */
const PATIENCE_MS = 10_000;

/**
 * Says goodbye over a transport that may not be open yet. A WebSocket just ends: the server sees that. A handshake over HTTP that breaks
 * off may have made a session which nobody would close, so its answer is awaited.
 */
export function discardHandshake(transport: Transport, target: Target, clock: Clock): void {
  const timer = clock.setTimer(() => transport.close("dead"), PATIENCE_MS);
  const ended = (): void => clock.clearTimer(timer);
  const sayGoodbye = (): void => {
    ended();
    transport.close("goodbye");
  };
  transport.bind({
    frame: (_from, frame: Frame) => {
      try {
        const { sid, resume } = JSON.parse((frame as string).slice(1)) as { sid: unknown; resume: unknown };
        if (typeof sid === "string") target.sid = sid;
        if (resume) target.counted = { requests: 0 };
      } catch {}
      sayGoodbye();
    },
    writable: () => {},
    ended,
  });
  if (transport.name === "websocket" || target.sid !== undefined) sayGoodbye();
}
