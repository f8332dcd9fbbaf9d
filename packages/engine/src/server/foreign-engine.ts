import type { Limits } from "@sockeye/protocol";
import { nativeClock, type SessionConfig } from "@sockeye/session";
import { loopOf, Turns } from "@sockeye/transport/server";
import type { EngineSessionSink, EngineSink } from "./engine-session.js";
import { EngineSession } from "./engine-session.js";
import { FirstRequest } from "./first-request.js";
import type { ForeignSocket } from "./foreign-session.js";
import { ForeignSession } from "./foreign-session.js";

/** Another engine, for `io.bind(engine)`. */
export interface ForeignEngine {
  on(event: "connection", listener: (socket: ForeignSocket) => void): unknown;
  close?(): unknown;
}

/** What its sessions are given. */
export interface ForeignTerms {
  readonly codec: SessionConfig["codec"];
  /** For what clients of protocol revision 3 send. */
  readonly eio3Codec: SessionConfig["codec"];
  readonly limits: Pick<Limits, "maxProcessBytes">;
}

/** Takes the connections of another engine as sessions, from now on. It must be attached by itself. */
export function bindEngine<Above extends EngineSessionSink>(
  engine: ForeignEngine,
  terms: () => ForeignTerms,
  above: EngineSink<Above>,
): void {
  const turns = new Turns(loopOf(nativeClock));
  engine.on("connection", (socket) => {
    const { codec, eio3Codec, limits } = terms();
    const protocol = socket.protocol === 3 ? 3 : 4;
    const session = new EngineSession<Above>({
      first: new FirstRequest({ req: socket.request, protocol }, true),
      above,
      limits,
      turns,
      converse: (sink) => ({
        conversation: new ForeignSession(socket, protocol === 3 ? eio3Codec : codec, sink),
      }),
    });
    session.sink.started?.();
  });
}
