import { ContractError } from "@sockeye/protocol";
import type { RefusalOnWire } from "@sockeye/socket";
import { CallError } from "./call-error.js";

type RefusalArgs = [answer: null, refusal: RefusalOnWire];

/** The arguments of an acknowledgement that refuses. `null` first: a callback that takes one argument sees that it has no answer. */
export function refusalArgs(code: string, message: string, data?: unknown): RefusalArgs {
  return [null, { $error: data === undefined ? { code, message } : { code, message, data } }];
}

/** What the peer is told of a refusal by the contract. What a schema has thrown is not for the peer. */
export function refusalOfError(error: ContractError): RefusalArgs {
  const { code, message, data } = refusalOf(error);
  return refusalArgs(code, message, data);
}

/** The same of a refusal by the contract or the app, without the shape of an acknowledgement. */
export function refusalOf(error: ContractError | CallError): {
  readonly code: string;
  readonly message: string;
  readonly data?: unknown;
} {
  const { code, message } = error;
  if (code === "ERR_INTERNAL") return { code, message: "internal error" };
  if (!(error instanceof ContractError)) return { code, message, data: error.data };
  return code === "ERR_INVALID" ? { code, message, data: { issues: error.issues } } : { code, message };
}

export function internalRefusal(): RefusalArgs {
  return refusalArgs("ERR_INTERNAL", "internal error");
}

/** Reads the arguments of an acknowledgement: the refusal, if it is one. */
export function refusalIn(value: unknown, second: unknown): CallError | undefined {
  if (value !== null || typeof second !== "object" || second === null) return undefined;
  const { $error } = second as { readonly $error?: unknown };
  if (typeof $error !== "object" || $error === null) return undefined;
  const { code, message, data } = $error as Readonly<Record<string, unknown>>;
  if (typeof code !== "string") return undefined;
  return new CallError(code, data, { message: typeof message === "string" ? message : code });
}
