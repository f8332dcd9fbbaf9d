import type { ContractError } from "@sockeye/protocol";
import type { RefusalOnWire } from "@sockeye/socket";
import { CallError } from "./call-error.js";

type RefusalArgs = [answer: null, refusal: RefusalOnWire];

/** The arguments of an acknowledgement that refuses. `null` first: who takes one argument sees that there is no answer. */
export function refusalArgs(code: string, message: string, data?: unknown): RefusalArgs {
  return [null, { $error: data === undefined ? { code, message } : { code, message, data } }];
}

/** What the peer is told of a refusal by the contract. What a schema has thrown is not for the peer. */
export function refusalOfError({ code, message, issues }: ContractError): RefusalArgs {
  if (code === "ERR_INTERNAL") return internalRefusal();
  return refusalArgs(code, message, code === "ERR_INVALID" ? { issues } : undefined);
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
