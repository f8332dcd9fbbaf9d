import { randomBytes } from "node:crypto";
import type { LogBatch } from "@sockeye/protocol";
import { LogStore, RecordStore } from "@sockeye/protocol/stores";
import type { Published, Question } from "./messages.js";

/** What the primary keeps for its workers. It numbers, keeps and tells in one step, since it does one thing at a time. */
export class Kept {
  readonly #logs: LogStore;
  readonly #records = new RecordStore();
  readonly #tell: (messages: readonly (readonly [topics: readonly string[], Published])[]) => void;

  constructor(
    maxBytes: number,
    tell: (messages: readonly (readonly [topics: readonly string[], Published])[]) => void,
  ) {
    this.#logs = new LogStore({ newEpoch: () => randomBytes(6).toString("base64url"), maxBytes });
    this.#tell = tell;
  }

  answer(question: Question): unknown {
    const now = performance.now();
    switch (question[0]) {
      case "append":
        return this.#append(question[1], question[2], now);
      case "end":
        return this.#logs.end(question[1]);
      case "renew":
        return this.#logs.renew(question[1]);
      case "read":
        return this.#logs.read(question[1], question[2], question[3]);
      case "get":
        return this.#records.get(question[1], now);
      case "put": {
        const [, key, bytes, version, ttlMs] = question;
        return this.#records.put(key, bytes.slice(), { version, ttlMs, now });
      }
      case "delete":
        return this.#records.delete(question[1], question[2], now);
      case "touch":
        this.#records.touch(question[1], question[2], now);
        return undefined;
    }
  }

  #append(group: string, batch: LogBatch, now: number): "stored" | "known" | "unexpected" {
    // What comes over a channel is a view of all that was read with it.
    const entries = batch.entries.map(({ topics, bytes }) => ({ topics, bytes: bytes.slice() }));
    const added = this.#logs.append(group, { ...batch, entries }, now);
    if (added === undefined) return "unexpected";
    if (added.length === 0) return "known";
    this.#tell(added.map(({ topics, bytes, at }) => [topics, [topics[0] ?? "", bytes, at]]));
    return "stored";
  }
}
