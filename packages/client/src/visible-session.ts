import { EngineSocket } from "@sockeye/socket";
import { knowSelf, unproxied } from "./unproxied.js";

/** The session of a client, as apps see it. */
export class VisibleSession extends EngineSocket {
  constructor(...args: ConstructorParameters<typeof EngineSocket>) {
    super(...args);
    knowSelf(this);
  }
}

unproxied(VisibleSession, "EngineSocket");
