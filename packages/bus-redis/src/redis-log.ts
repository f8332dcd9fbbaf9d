import { randomUUID } from "node:crypto";
import type { BusLog, KeptEntry, LogBatch, Position } from "@sockeye/protocol";
import { type Ask, asBytes, asList, asText, type RedisArgument, Script } from "./scripts.js";

// The log of a group is in streams. One has what is for all; the topics of rooms and nodes share the others, since a stream for each room
// takes kilobytes. A hash has the epoch (e), the last number (n), the number at which the epoch began (b), and for each stream its last
// number (l) and the last one that was lost when it ended (x); also the run of the server (r). All keys of a group are in one slot.

const STREAMS = 64;
const WIDE = "w";
const ALL: readonly string[] = [WIDE, ...Array.from({ length: STREAMS }, (_, n) => `${n}`)];
const PAGE = 500;
/** A log in which nothing happens for so long is forgotten. */
const IDLE_MS = 604_800_000;
const WRITER_MS = 3_600_000;
/** Begins what is published out of the log. */
export const LOGGED = 0xff;

const APPEND = new Script(`
local before = tonumber(redis.call('get', KEYS[2]) or '0')
local number = tonumber(ARGV[2])
if number <= before then return 0 end
if number > before + 1 then return -1 end
local meta = redis.call('hmget', KEYS[1], 'e', 'n')
local epoch = meta[1]
if not epoch then
  epoch = ARGV[1]
  redis.call('hset', KEYS[1], 'e', epoch)
end
local n = tonumber(meta[2] or '0')
local i = 7
while i <= #ARGV do
  local name, topic, bytes, channels = ARGV[i + 1], ARGV[i + 2], ARGV[i + 3], tonumber(ARGV[i + 4])
  local stream = KEYS[tonumber(ARGV[i])]
  n = n + 1
  local id = string.format('%.0f', n)
  if redis.call('exists', stream) == 0 then
    local last = redis.call('hget', KEYS[1], 'l' .. name)
    if last then redis.call('hset', KEYS[1], 'x' .. name, last) end
  end
  redis.call('xadd', stream, 'MAXLEN', '~', ARGV[4], id .. '-0', 't', topic, 'd', bytes)
  redis.call('pexpire', stream, ARGV[5])
  redis.call('hset', KEYS[1], 'n', id, 'l' .. name, id)
  local said = '\\255' .. epoch .. id .. ' ' .. #topic .. ' ' .. topic .. bytes
  for c = 1, channels do redis.call(ARGV[6], ARGV[i + 4 + c], said) end
  i = i + 5 + channels
end
redis.call('pexpire', KEYS[1], ARGV[3])
redis.call('set', KEYS[2], ARGV[2], 'px', ${WRITER_MS})
return 1`);

const END = new Script(`
redis.call('hsetnx', KEYS[1], 'e', ARGV[1])
redis.call('pexpire', KEYS[1], ${IDLE_MS})
local meta = redis.call('hmget', KEYS[1], 'e', 'n')
return { meta[1], meta[2] or '0' }`);

const RENEW = new Script(`
local n = redis.call('hget', KEYS[1], 'n') or '0'
redis.call('hset', KEYS[1], 'e', ARGV[1], 'b', n)
redis.call('pexpire', KEYS[1], ${IDLE_MS})
return { ARGV[1], n }`);

/** The last number of each stream, and the last number that was lost before the stream began. */
const META = new Script(`
local meta = redis.call('hmget', KEYS[1], 'e', 'n', 'b')
local found = { meta[1] or '', meta[2] or '0', meta[3] or '0' }
for _, name in ipairs(ARGV) do
  local stream = redis.call('hmget', KEYS[1], 'l' .. name, 'x' .. name)
  table.insert(found, stream[1] or '0')
  table.insert(found, stream[2] or '0')
end
return found`);

/** The first id of each stream if some of it was cut off; nothing if it is whole; "gone" if it is not there. */
const CHECK = new Script(`
local found = { redis.call('hget', KEYS[1], 'e') or '' }
for k = 2, #KEYS do
  if redis.call('exists', KEYS[k]) == 0 then table.insert(found, 'gone')
  else
    local about = redis.call('xinfo', 'stream', KEYS[k])
    local info = {}
    for f = 1, #about, 2 do info[about[f]] = about[f + 1] end
    local first = info['first-entry']
    if info['entries-added'] == info['length'] then table.insert(found, '')
    elseif first then table.insert(found, first[1])
    else table.insert(found, 'gone') end
  end
end
return found`);

/**
 * A server that has taken over may lack the last entries, and so may one that has died and was started again: it has what it had written. It would
 * give their numbers to others, so each run has an epoch of its own.
 */
const TAKE_OVER = new Script(`
local run = string.match(redis.call('info', 'server'), 'run_id:(%x+)')
if redis.call('hget', KEYS[1], 'r') == run then return 0 end
redis.call('hset', KEYS[1], 'r', run)
if redis.call('hexists', KEYS[1], 'e') == 1 then redis.call('hset', KEYS[1], 'e', ARGV[1]) end
redis.call('pexpire', KEYS[1], ${IDLE_MS})
return 1`);

export interface RedisLogTerms {
  readonly prefix: string;
  readonly ask: Ask;
  readonly sharded: boolean;
}

/** Logs of groups in Redis 7 or later. A script numbers, keeps and tells in one step. */
export class RedisLog implements BusLog {
  readonly #terms: RedisLogTerms;
  /** Groups of which it is known that this run of the server is the one of their epoch. */
  readonly #known = new Map<string, Promise<unknown>>();

  constructor(terms: RedisLogTerms) {
    this.#terms = terms;
  }

  /** From now on it may be another run. */
  reconnects(): void {
    this.#known.clear();
  }

  async append(
    group: string,
    { writer, number, entries, keep }: LogBatch,
  ): Promise<"stored" | "known" | "unexpected"> {
    await this.#takenOver(group);
    const { prefix, ask, sharded } = this.#terms;
    const keys = [this.#meta(group), `${prefix}${group}:writer:${writer}`];
    const places = new Map<string, number>();
    const args: (RedisArgument | number)[] = [];
    for (const { topics, bytes } of entries) {
      const [topic = ""] = topics;
      const name = streamOf(topic);
      const place = places.get(name) ?? keys.push(this.#stream(group, name));
      places.set(name, place);
      args.push(place, name, topic, asBuffer(bytes), topics.length, ...topics.map((each) => prefix + each));
    }
    const command = sharded ? "spublish" : "publish";
    const answer = await APPEND.run(ask, keys, [
      newEpoch(),
      number,
      IDLE_MS,
      keep.entries,
      keep.ms,
      command,
      ...args,
    ]);
    return answer === 1 ? "stored" : answer === 0 ? "known" : "unexpected";
  }

  async end(group: string): Promise<Position> {
    await this.#takenOver(group);
    return position(await END.run(this.#terms.ask, [this.#meta(group)], [newEpoch()]));
  }

  async renew(group: string): Promise<Position> {
    await this.#takenOver(group);
    return position(await RENEW.run(this.#terms.ask, [this.#meta(group)], [newEpoch()]));
  }

  async read(
    group: string,
    after: Position,
    topics?: readonly string[],
  ): Promise<{ entries: KeptEntry[]; end: Position } | undefined> {
    await this.#takenOver(group);
    const { ask } = this.#terms;
    const wanted = topics && new Set(topics);
    const names = wanted ? [...new Set([...wanted].map(streamOf))] : ALL;
    const [epoch, last, began, ...streams] = asList(await META.run(ask, [this.#meta(group)], names)).map(
      asText,
    );
    const end = { epoch: epoch ?? "", number: Number(last) };
    if (after.epoch !== epoch || after.number < Number(began) || after.number > end.number) return undefined;
    const used = names.filter((_, index) => Number(streams[2 * index]) > after.number);
    if (names.some((_, index) => Number(streams[2 * index + 1]) > after.number)) return undefined;
    const entries: KeptEntry[] = [];
    for (const name of used) {
      for (const [number, topic, bytes] of await this.#pages(group, name, { after, end })) {
        if (wanted?.has(topic) !== false) entries.push({ topic, bytes, at: { epoch, number } });
      }
    }
    // Only now: what was cut off while it was read is missing, too.
    const keys = [this.#meta(group), ...used.map((name) => this.#stream(group, name))];
    const [still, ...firsts] = asList(await CHECK.run(ask, keys)).map(asText);
    const isCut = (first: string): boolean => first !== "" && !(numberOf(first) <= after.number);
    if (still !== epoch || firsts.some(isCut)) return undefined;
    return { entries: entries.sort((one, other) => one.at.number - other.at.number), end };
  }

  async #pages(
    group: string,
    name: string,
    { after, end }: { readonly after: Position; readonly end: Position },
  ): Promise<[number: number, topic: string, bytes: Uint8Array][]> {
    const found: [number, string, Uint8Array][] = [];
    let from = after.number;
    for (;;) {
      const key = this.#stream(group, name);
      const command = ["XRANGE", key, `(${from}-0`, `${end.number}-0`, "COUNT", `${PAGE}`];
      const page = asList(await this.#terms.ask(command));
      for (const entry of page) {
        const [id, fields] = asList(entry);
        const [, topic, , bytes] = asList(fields);
        from = numberOf(asText(id));
        found.push([from, asText(topic), asBytes(bytes)]);
      }
      if (page.length < PAGE) return found;
    }
  }

  /** What is asked for waits in its order. */
  async #takenOver(group: string): Promise<void> {
    const known = this.#known.get(group) ?? TAKE_OVER.run(this.#terms.ask, [this.#meta(group)], [newEpoch()]);
    this.#known.set(group, known);
    try {
      await known;
    } catch (error) {
      if (this.#known.get(group) === known) this.#known.delete(group);
      throw error;
    }
  }

  #meta(group: string): string {
    return `${this.#terms.prefix}${group}:log`;
  }

  #stream(group: string, name: string): string {
    return `${this.#terms.prefix}${group}:log:${name}`;
  }
}

/** What was published out of a log; `undefined` if it makes no sense: others may write there. */
export function readLogged(message: Uint8Array): KeptEntry | undefined {
  const bytes = asBuffer(message);
  const head = /^\xff([\w-]{8})(\d{1,16}) (\d{1,6}) /.exec(bytes.subarray(0, 40).toString("latin1"));
  const [all = "", epoch = "", number, length] = head ?? [];
  const start = all.length + Number(length);
  if (!head || start > bytes.length) return undefined;
  const topic = bytes.subarray(all.length, start).toString();
  return { topic, bytes: bytes.subarray(start), at: { epoch, number: Number(number) } };
}

/** In which stream the entries of a topic are. */
function streamOf(topic: string): string {
  if (topic.endsWith("}*")) return WIDE;
  let hash = 0x811c9dc5;
  for (let at = 0; at < topic.length; at++) hash = Math.imul(hash ^ topic.charCodeAt(at), 0x01000193);
  return `${(hash >>> 0) % STREAMS}`;
}

function position(answer: unknown): Position {
  const [epoch, number] = asList(answer).map(asText);
  return { epoch: epoch ?? "", number: Number(number) };
}

/** Of an entry's id. */
function numberOf(id: string): number {
  return Number(id.split("-", 1)[0]);
}

/** With each batch goes one, in case that the log is new. Node.js keeps random bytes ready for UUIDs, whose first 48 bits are nothing else. */
function newEpoch(): string {
  const [first = "", second = ""] = randomUUID().split("-");
  return Buffer.from(first + second, "hex").toString("base64url");
}

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
