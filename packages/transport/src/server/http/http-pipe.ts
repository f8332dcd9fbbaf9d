import type { IncomingMessage, ServerResponse } from "node:http";
import { type Clock, type Limits, type Transport, TransportError } from "@sockeye/protocol";
import type { BodyFormat } from "../request/body-format.js";
import type { ResponseHeaders } from "../request/headers.js";
import type { RequestNumbers } from "../request/request-numbers.js";
import type { Turns } from "../turns/turns.js";

/** The accepting end of a transport that is made of HTTP requests. */
export interface HttpPipe extends Transport {
  /** The `Origin` of the handshake, if it had one: that of all later requests which have one. Set by the gate. */
  origin: string | undefined;
  /** Set by the gate if the session is counted: its requests are numbered. */
  numbers: RequestNumbers | undefined;
  /** How bodies of POSTs are read. */
  readonly bodies: BodyFormat;
  /**
   * One request of the session; it gets exactly one answer. The first, the handshake's GET, may come before `bind`. Also
   * called for a closed pipe that lingers, to say goodbye.
   *
   * @param number of the request, if it has one
   */
  handle(req: IncomingMessage, res: ServerResponse, number?: number): void;
  /** Writes the answer to a POST that was read. */
  respond(res: ServerResponse, body: string, headers: ResponseHeaders): void;
}

/** What all such pipes of a server share, whatever they are. */
export interface HttpPipeHost {
  readonly clock: Clock;
  /** Of bodies that come in. */
  readonly limits: Pick<Limits, "maxMessageBytes" | "maxPacketsPerPayload">;
  /** How much of what comes in may be handled at once. */
  readonly turns: Turns;
  /** May change the headers of a response with status 200. `initial`: it is the one that carries OPEN. Must not throw. */
  headers(headers: ResponseHeaders, context: { sid: string; req: IncomingMessage; initial: boolean }): void;
  /** The session has closed while no request was there to say so: keep the pipe for the next one, for a while. */
  linger(sid: string, pipe: HttpPipe): void;
  /** The lingering pipe has said goodbye. */
  forget(sid: string): void;
}

/** Is it a pipe that takes requests? */
export function isHttpPipe(transport: Transport | undefined): transport is HttpPipe {
  return transport !== undefined && "handle" in transport;
}

export function answerEmpty(res: ServerResponse, status: number): void {
  res.writeHead(status, { "Content-Length": "0" });
  res.end();
}

export function failure(message: string, cause?: unknown): TransportError {
  return new TransportError("ERR_TRANSPORT_FAILED", message, cause);
}

/** Nobody watches a session's requests once it is over: those that do not end are cut off. */
const CLOSING_MS = 30_000;

/** Gives an answer or a body some time to end by itself. */
export function limitEnd(res: ServerResponse, clock: Clock): void {
  if (res.closed) return;
  const timer = clock.setTimer(() => res.destroy(), CLOSING_MS);
  res.once("close", () => clock.clearTimer(timer));
}
