import type { ConnectErrorPacket } from "@sockeye/protocol";

/** Where nothing else can be said. */
const REFUSED = "Refused";

/**
 * What the client is told of a refusal. The app's `next` may be given anything, and each look at it may run code of the app.
 *
 * @param failed hears what that code throws
 */
export function refusalOf(error: unknown, failed: (failure: unknown) => void): ConnectErrorPacket["data"] {
  const message = attempt(() => textOf(error)) ?? REFUSED;
  const data = attempt(() => Object(error).data as unknown);
  return data === undefined ? { message } : { message, data };

  function attempt<Result>(look: () => Result): Result | undefined {
    try {
      return look();
    } catch (failure) {
      failed(failure);
      return undefined;
    }
  }
}

/** Its message; of what has none, and is no object, what it says as a text. */
function textOf(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const { message } = error as { message?: unknown };
  if (typeof message === "string") return message;
  return message === undefined || message === null ? REFUSED : String(message);
}
