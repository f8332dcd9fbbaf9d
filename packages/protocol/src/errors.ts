import type { ErrorCode } from "./error-table.js";

/**
 * Every error that Sockeye hands to an app. Branch on {@link code}: it is stable, while the message is for people and
 * may change. `cause` keeps the error underneath.
 *
 * @see docs/errors.md for all codes
 */
export class SockeyeError extends Error {
  // Written out in each class: a minifier changes the names of classes.
  override readonly name: string = "SockeyeError";
  readonly code: ErrorCode;

  /** @param message without one it is the code */
  constructor(code: ErrorCode, message: string | undefined, cause?: unknown) {
    super(message ?? code, cause === undefined ? undefined : { cause });
    this.code = code;
  }
}

/** A packet that could not be encoded or decoded. */
export class CodecError extends SockeyeError {
  override readonly name = "CodecError";
}

/** A transport that could not be opened or that failed. The fields below are Socket.IO's, for drop-in handlers. */
export class TransportError extends SockeyeError {
  override readonly name = "TransportError";
  readonly type = "TransportError";

  constructor(
    code: ErrorCode,
    message: string | undefined,
    /** What lies underneath: an `Error`, an HTTP status or a close event, as Socket.IO hands it out. */
    readonly description?: unknown,
    /** The request or response at hand, if there is one. */
    readonly context?: unknown,
  ) {
    super(code, message, description instanceof Error ? description : undefined);
  }
}

/** A session that broke the engine protocol, was used after its end, or was given what cannot be written. */
export class SessionError extends SockeyeError {
  override readonly name = "SessionError";
}

/** A namespace that refused a socket, or does not exist. `data` is what the middleware put there. */
export class NamespaceError extends SockeyeError {
  override readonly name = "NamespaceError";

  constructor(
    code: ErrorCode,
    message: string | undefined,
    readonly data?: unknown,
    cause?: unknown,
  ) {
    super(code, message, cause);
  }
}

/** An acknowledgement that did not come. */
export class AckError extends SockeyeError {
  override readonly name = "AckError";
  /** For a broadcast: the answers that did come. */
  declare responses?: unknown[];
}

/** Something between the nodes of a cluster. */
export class ClusterError extends SockeyeError {
  override readonly name = "ClusterError";
  /** After a query: the answers that did come. */
  declare responses?: unknown[];
  /** After a query: the names of the nodes that have not answered. */
  declare missing?: string[];
}

/** One thing that is wrong with a payload. */
export interface ContractIssue {
  /** Where: names of members and indexes of items. With several arguments the first is that of the argument. */
  readonly path: readonly (string | number)[];
  /** What the schema says, without the value. */
  readonly message: string;
}

/** An event, call or answer that does not keep to the contract. */
export class ContractError extends SockeyeError {
  override readonly name = "ContractError";

  constructor(
    code: ErrorCode,
    message: string | undefined,
    readonly issues: readonly ContractIssue[] = [],
    cause?: unknown,
  ) {
    super(code, message, cause);
  }
}

/** A stream that this end has given up, or could not begin. What the other end says of it is a `CallError`. */
export class StreamError extends SockeyeError {
  override readonly name = "StreamError";
}

/** A call that makes no sense: wrong option, reserved event name, wrong order. */
export class UsageError extends SockeyeError {
  override readonly name = "UsageError";
}

/** Raised where the mistake is made: a bad callback that is kept would fail in the code that calls it. @throws UsageError `ERR_BAD_OPTION` */
export function requireFunction(value: unknown, what: string): void {
  if (typeof value !== "function")
    throw new UsageError("ERR_BAD_OPTION", `${what} is a function, not ${typeof value}`);
}
