import type { BusRecord, BusRecords } from "@sockeye/protocol";
import { asBuffer } from "./redis-log.js";
import { type Ask, asBytes, Script } from "./scripts.js";

// A record is its version, a space, and its bytes. Versions are counted for each group, so that none comes again.

const COUNTER_MS = 604_800_000;
const SPACE = 0x20;

const PUT = new Script(`
local there = redis.call('get', KEYS[1])
if (there and string.match(there, '^%d+') or '0') ~= ARGV[2] then return 0 end
local version = redis.call('incr', KEYS[2])
redis.call('pexpire', KEYS[2], ARGV[3] + ${COUNTER_MS})
redis.call('set', KEYS[1], string.format('%.0f', version) .. ' ' .. ARGV[1], 'px', ARGV[3])
return version`);

const DELETE = new Script(`
local there = redis.call('get', KEYS[1])
if not there or string.match(there, '^%d+') ~= ARGV[1] then return 0 end
return redis.call('del', KEYS[1])`);

const TOUCH = new Script(`
for _, key in ipairs(KEYS) do redis.call('pexpire', key, ARGV[1]) end
return 1`);

/** Records in Redis. Those of one call of `touch` are of one group. */
export class RedisRecords implements BusRecords {
  readonly #prefix: string;
  readonly #ask: Ask;

  constructor({ prefix, ask }: { readonly prefix: string; readonly ask: Ask }) {
    this.#prefix = prefix;
    this.#ask = ask;
  }

  async get(key: string): Promise<BusRecord | undefined> {
    const answer = await this.#ask(["GET", this.#key(key)]);
    if (answer === null || answer === undefined) return undefined;
    const value = asBytes(answer);
    const end = value.indexOf(SPACE);
    return { bytes: value.subarray(end + 1), version: Number(asBuffer(value.subarray(0, end)).toString()) };
  }

  async put(key: string, bytes: Uint8Array, version: number, ttlMs: number): Promise<number | undefined> {
    const counter = `${this.#prefix}${key.slice(0, key.indexOf("}") + 1)}:versions`;
    const answer = await PUT.run(this.#ask, [this.#key(key), counter], [asBuffer(bytes), version, ttlMs]);
    return typeof answer === "number" && answer > 0 ? answer : undefined;
  }

  async delete(key: string, version: number): Promise<boolean> {
    return (await DELETE.run(this.#ask, [this.#key(key)], [version])) === 1;
  }

  async touch(keys: readonly string[], ttlMs: number): Promise<void> {
    if (keys.length > 0)
      await TOUCH.run(
        this.#ask,
        keys.map((key) => this.#key(key)),
        [ttlMs],
      );
  }

  #key(key: string): string {
    return `${this.#prefix}${key}:record`;
  }
}
