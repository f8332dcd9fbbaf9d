import type { CallOptions, ContractEnd, Emit, EmitTarget } from "@sockeye/socket";
import { isThenable, readEmit, reasonOf } from "@sockeye/socket";
import { CallError } from "./call-error.js";
import { refusalIn } from "./wire.js";

/** Who makes calls. */
export interface Caller extends EmitTarget {
  readonly contract: ContractEnd | undefined;
  /** Nobody waits for the answer any more, and the other end may know of the call. @param ackId of the event */
  cancel(ackId: number): void;
}

/**
 * Makes a call: an event whose acknowledgement is the answer.
 *
 * @throws CallError (as a rejection) by the handler's code, or `ERR_INVALID`, `ERR_UNDECLARED`, `ERR_UNHANDLED`, `ERR_INTERNAL` of the other end
 * @throws AckError `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
 * @throws ContractError for an answer that does not keep to the contract
 * @throws UsageError `ERR_RESERVED_EVENT`
 * @throws CodecError `ERR_UNENCODABLE`
 */
export function makeCall(
  caller: Caller,
  name: string,
  [input, { signal, timeoutMs } = {}]: readonly [input?: unknown, options?: CallOptions],
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) throw reasonOf(signal);
    let ackId: number | undefined;
    const settle = (error: unknown, value?: unknown, second?: unknown): void => {
      if (error) {
        const { code } = error as { readonly code?: unknown };
        if (ackId !== undefined && (signal?.aborted || code === "ERR_ACK_TIMEOUT")) caller.cancel(ackId);
        reject(error as Error);
        return;
      }
      try {
        resolve(answerOf(caller.contract, name, [value, second]));
      } catch (failure) {
        reject(failure as Error);
      }
    };
    const args = input === undefined ? [] : [input];
    const flags = timeoutMs === undefined ? {} : { timeout: timeoutMs };
    const emit: Emit = {
      ...readEmit(name, args, flags),
      ack: settle,
      ackTakesError: true,
      signal,
      sentAs: (id) => {
        ackId = id;
      },
    };
    caller.emitOut(emit);
  });
}

/** The answer as the contract reads it. @throws CallError, ContractError, also as a rejection */
function answerOf(
  contract: ContractEnd | undefined,
  name: string,
  [value, second]: readonly [unknown, unknown],
): unknown {
  const refusal = refusalIn(value, second);
  if (refusal === undefined) return contract ? contract.answer(name, value) : value;
  const data = contract ? contract.refusal(name, refusal.code, refusal.data) : refusal.data;
  const thrown = (read: unknown): never => {
    throw new CallError(refusal.code, read, { message: refusal.message });
  };
  return isThenable(data) ? data.then(thrown) : thrown(data);
}
