interface Options {
  readonly cause?: unknown;
}

const Native: ErrorConstructor = Error;

/** `Error`, of which classes can be derived without the language's help, and which knows `cause`. An `Error` to everybody. */
export function LegacyError(this: Error & { cause?: unknown }, message?: string, options?: Options): void {
  const { stack } = new Native(message);
  this.message = message === undefined ? "" : `${message}`;
  if (stack !== undefined) this.stack = stack;
  if (options) this.cause = options.cause;
}

LegacyError.prototype = Object.create(Native.prototype);
LegacyError.prototype.constructor = LegacyError;
