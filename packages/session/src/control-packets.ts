import { readCount } from "@sockeye/codec";
import type { EnginePacket, EnginePacketType, Frame, SessionState } from "@sockeye/protocol";
import { SESSION_STATES, SessionError } from "@sockeye/protocol";
import { prose } from "@sockeye/protocol/prose";
import type { Ending } from "./config.js";
import type { Counting } from "./counting.js";
import type { SessionEnd } from "./session-end.js";

/** A session, as the packets that control it see it. */
export interface Controlled {
  readonly state: SessionState;
  readonly counted: Counting | undefined;
  readonly outgoing: { schedule(): void };
  end(ending: Ending): void;
  parseError(cause: Error): void;
  holds(): void;
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
      if (!acknowledged(session, thisEnd, data)) return;
      // While closing, a heartbeat must not put off the end.
      if (delivers) thisEnd.pinged(now);
      else if (session.state === "opening") session.parseError(unexpected(type));
      return;
    case "pong":
      if (acknowledged(session, thisEnd, data) && delivers) thisEnd.ponged(now);
      return;
    case "close":
      if (data !== undefined && acknowledged(session, thisEnd, data)) thisEnd.parted?.();
      session.end({ reason: "transport close", transport: "dead" });
      return;
    case "noop":
      acknowledged(session, thisEnd, data);
      return;
    default:
      session.parseError(unexpected(type));
  }
}

/** A heartbeat, NOOP or CLOSE may say how much has arrived. @returns false if it cannot be, and then the session has ended */
function acknowledged(session: Controlled, thisEnd: SessionEnd, data: Frame | undefined): boolean {
  const { counted } = session;
  if (!counted) return true;
  thisEnd.acknowledged();
  if (data === undefined) return true;
  const wasFull = counted.full;
  const count = readCount(data);
  if (count === undefined || !counted.acknowledge(count)) {
    session.parseError(new SessionError("ERR_PROTOCOL_VIOLATION", prose("impossibleCount")));
    return false;
  }
  session.holds();
  if (wasFull && !counted.full) session.outgoing.schedule();
  return true;
}

/** The peer has sent what has no place here, or not now. */
export function unexpected(type: EnginePacketType): SessionError {
  return new SessionError("ERR_PROTOCOL_VIOLATION", prose("unexpectedPacket", type));
}
