import { createHash } from "node:crypto";

/** What a command is made of. */
export type RedisArgument = string | Buffer;
/** Sends a command. Texts in the answer come as bytes. Rejects with `ERR_BUS_DOWN` once the connection is lost. */
export type Ask = (command: readonly RedisArgument[]) => Promise<unknown>;

/** A script that Redis runs as one step. It is sent once; then its hash is enough. */
export class Script {
  readonly #text: string;
  readonly #hash: string;

  constructor(text: string) {
    this.#text = text;
    this.#hash = createHash("sha1").update(text).digest("hex");
  }

  async run(
    ask: Ask,
    keys: readonly string[],
    args: readonly (RedisArgument | number)[] = [],
  ): Promise<unknown> {
    const rest = [
      `${keys.length}`,
      ...keys,
      ...args.map((arg) => (typeof arg === "number" ? `${arg}` : arg)),
    ];
    try {
      return await ask(["EVALSHA", this.#hash, ...rest]);
    } catch (error) {
      if (!(error instanceof Error) || !error.message.startsWith("NOSCRIPT")) throw error;
      return await ask(["EVAL", this.#text, ...rest]);
    }
  }
}

/** @throws TypeError if Redis answers something else than its documentation says */
export function asList(answer: unknown): readonly unknown[] {
  if (Array.isArray(answer)) return answer;
  throw new TypeError("Redis has answered no list");
}

export function asText(answer: unknown): string {
  return answer instanceof Uint8Array ? Buffer.from(answer).toString() : `${answer ?? ""}`;
}

export function asBytes(answer: unknown): Uint8Array {
  if (answer instanceof Uint8Array) return answer;
  throw new TypeError("Redis has answered no bytes");
}
