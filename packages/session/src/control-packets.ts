import type { EnginePacket, EnginePacketType } from "@sockeye/protocol";
import { SESSION_STATES, SessionError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Counting, Lasting } from "./counting.js";
import type { SessionEnd } from "./session-end.js";

/** A session, as the packets that control it see it. */
export interface Controlled extends Lasting {
  readonly counted: Counting | undefined;
}

/** Does what an engine packet says that is not a message. */
export function onControl(
  session: Controlled,
  thisEnd: SessionEnd,
  { type, data }: EnginePacket,
  now: number,
): void {
  const { delivers } = SESSION_STATES[session.state];
  switch (type) {
    case "open":
      thisEnd.opened(data);
      return;
    case "ping":
      if (session.counted?.heard(session, data) === false) return;
      // While closing, a heartbeat must not put off the end.
      if (delivers) thisEnd.pinged(now);
      else if (session.state === "opening") session.parseError(unexpected(type));
      return;
    case "pong":
      if (session.counted?.heard(session, data) !== false && delivers) thisEnd.ponged(now);
      return;
    case "close":
      if (data !== undefined && session.counted?.heard(session, data)) thisEnd.parted?.();
      session.end({ reason: "transport close", transport: "dead" });
      return;
    case "noop":
      session.counted?.heard(session, data);
      return;
    default:
      session.parseError(unexpected(type));
  }
}

/** The peer has sent what has no place here, or not now. */
export function unexpected(type: EnginePacketType): SessionError {
  return new SessionError("ERR_PROTOCOL_VIOLATION", prose("unexpectedPacket", type));
}
