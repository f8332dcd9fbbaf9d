import { EngineSocket } from "@sockeye/socket";
import { SELF, unproxied } from "./unproxied.js";

/** The session of a client, as apps see it. */
export class VisibleSession extends EngineSocket {
  readonly [SELF] = (): this => this;
}

unproxied(VisibleSession, "EngineSocket");
