import type { EngineSession } from "@sockeye/engine/server";
import { type CloseReason, SockeyeError } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { Conn } from "./conn.js";
import type { EngineConnection } from "./engine.js";
import type { Monitor } from "./monitor.js";

/** A session with nothing of Socket.IO on it: the app listens to its {@link Conn}. */
export class PlainConnection implements EngineConnection {
  readonly #session: EngineSession;
  readonly #host: ErrorBoundary & { readonly monitor: Monitor };
  #conn: Conn | undefined = undefined;

  constructor(session: EngineSession, host: ErrorBoundary & { readonly monitor: Monitor }) {
    this.#session = session;
    this.#host = host;
  }

  get conn(): Conn {
    const { conversation, first } = this.#session;
    this.#conn ??= new Conn(conversation, {
      boundary: this.#host,
      request: first.req,
      remoteAddress: first.address,
      protocol: first.protocol,
    });
    return this.#conn;
  }

  /** Messages hold none. */
  packet(): void {}

  holds(gone?: boolean): void {
    this.#session.refresh(gone);
  }

  unwritable(error: Error): void {
    this.#host.reportError(error, "emit");
  }

  closed(reason: CloseReason, cause: Error | undefined): void {
    const { monitor } = this.#host;
    if (cause instanceof SockeyeError) monitor.limitExceeded(cause, this.#session.first.address, this);
    monitor.sessionClosed(this, reason, cause);
  }
}
