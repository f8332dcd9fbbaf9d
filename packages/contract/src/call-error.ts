/** So that copies of this module know each other's errors. */
const BRAND: unique symbol = Symbol.for("sockeye.CallError");

/**
 * A call that is refused: the handler throws it, and the caller's promise rejects with it. The code and the data are the app's own, and all
 * that travels of the error beside its message. Codes that begin with `ERR_` are Sockeye's.
 */
export class CallError<Code extends string = string, Data = unknown> extends Error {
  // Written out: a minifier changes the names of classes.
  override readonly name: string = "CallError";
  readonly code: Code;
  readonly data: Data;

  /** @param options.message for people; default: the code */
  constructor(
    code: Code,
    ...[data, options]: undefined extends Data
      ? [data?: Data, options?: CallErrorOptions]
      : [data: Data, options?: CallErrorOptions]
  ) {
    super(options?.message ?? code, options);
    this.code = code;
    this.data = data as Data;
    Object.defineProperty(this, BRAND, { value: true });
  }
}

export interface CallErrorOptions {
  readonly message?: string;
  readonly cause?: unknown;
}

/** Is it the refusal of a call, and of this code if one is named? */
export function isCallError<Code extends string = string>(
  error: unknown,
  code?: Code,
): error is CallError<Code> {
  const is = typeof error === "object" && error !== null && BRAND in error;
  return is && (code === undefined || (error as { readonly code?: unknown }).code === code);
}
