import type { Bus, BusLog, BusRecords, KeptEntry, LogBatch, Position } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";
import type { BusBench } from "./bus.js";

const GROUP = "{x}";
const KEEP = { ms: 60_000, entries: 10_000 };
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));

interface Ear {
  readonly bus: Bus;
  readonly log: BusLog;
  readonly records: BusRecords;
  readonly heard: KeptEntry[];
  readonly states: string[];
}

const shown = ({ topic, bytes: part, at }: KeptEntry): string =>
  `${at.number} ${topic} ${Buffer.from(part).toString()}`;

/** What the log and the records of a Bus must do that has them. */
export function keepingBusSuite(name: string, makeBench: () => BusBench | Promise<BusBench>): void {
  describe(`${name} keeps`, () => {
    let bench: BusBench;
    const open: Bus[] = [];
    afterEach(async () => {
      await Promise.all(open.splice(0).map((bus) => bus.close()));
      await bench?.close?.();
    });
    const define = (title: string, body: (bench: BusBench) => Promise<void>): void => {
      it(title, async () => {
        bench = await makeBench();
        await body(bench);
      });
    };
    const begin = async (topics: readonly string[] = []): Promise<Ear> => {
      const bus = await bench.makeBus();
      open.push(bus);
      const { log, records } = bus;
      if (!log || !records) throw new Error("it keeps nothing");
      const heard: KeptEntry[] = [];
      const states: string[] = [];
      const inForce = new Set<string>();
      bus.subscribe(topics);
      await bus.open({
        message: (topic, part, at) => {
          // It may come by several topics.
          if (at && heard.at(-1)?.at.number !== at.number) heard.push({ topic, bytes: part, at });
        },
        subscribed: (those) => those.forEach((topic) => void inForce.add(topic)),
        up: () => void states.push("up"),
        down: () => void states.push("down"),
      });
      await bench.until(() => topics.every((topic) => inForce.has(topic)), "subscriptions in force");
      return { bus, log, records, heard, states };
    };
    const done = async <T>(promise: Promise<T>): Promise<T> => {
      let isOver = false;
      const over = (): void => {
        isOver = true;
      };
      promise.then(over, over);
      await bench.until(() => isOver, "an answer");
      return promise;
    };
    const batch = (number: number, ...entries: (readonly [topics: string[], text: string])[]): LogBatch => ({
      writer: "a.0",
      number,
      entries: entries.map(([topics, text]) => ({ topics, bytes: bytes(text) })),
      keep: KEEP,
    });
    const one = (number: number, text = `${number}`): LogBatch => batch(number, [["{x}*"], text]);

    define("entries reach the nodes of their topics with their numbers, in one order", async ({ until }) => {
      const [a, b] = [await begin(["{x}*", "{x}#r"]), await begin(["{x}*", "{x}@b"])];
      const start = await done(a.log.end(GROUP));
      const answers = await done(
        Promise.all([
          a.log.append(GROUP, batch(1, [["{x}*"], "one"], [["{x}#r", "{x}@b"], "two"])),
          b.log.append(GROUP, { ...batch(1, [["{x}#r"], "three"], [["{x}*"], "four"]), writer: "b.0" }),
        ]),
      );
      expect(answers).toEqual(["stored", "stored"]);
      await until(() => a.heard.length >= 4 && b.heard.length >= 3, "all");
      const numbers = a.heard.map(({ at }) => at.number);
      expect(numbers).toEqual([1, 2, 3, 4].map((n) => n + start.number));
      expect(a.heard.every(({ at }) => at.epoch === start.epoch && /^[\w-]{8}$/.test(at.epoch))).toBe(true);
      const common = b.heard.map(shown);
      expect(a.heard.map(shown).filter((line) => common.includes(line))).toEqual(common);
      expect(await done(b.log.end(GROUP))).toEqual({ ...start, number: start.number + 4 });
      expect(a.heard.map(({ topic, bytes: part }) => `${topic} ${Buffer.from(part)}`).sort()).toEqual([
        "{x}#r three",
        "{x}#r two",
        "{x}* four",
        "{x}* one",
      ]);
    });

    define("a batch is there once; one without the batch before it is not taken", async ({ until }) => {
      const { log, heard } = await begin(["{x}*"]);
      const answers: string[] = [];
      for (const number of [1, 1, 3, 2, 2, 3]) answers.push(await done(log.append(GROUP, one(number))));
      expect(answers).toEqual(["stored", "known", "unexpected", "stored", "known", "stored"]);
      await until(() => heard.length === 3, "all");
      expect(heard.map(({ bytes: part }) => Buffer.from(part).toString())).toEqual(["1", "2", "3"]);
      expect(await done(log.append(GROUP, { ...one(2), writer: "new" }))).toBe("unexpected");
    });

    define(
      "a batch that was added at another node, by a writer of the same name, is known",
      async ({ until }) => {
        const [a, b] = [await begin(["{x}*"]), await begin()];
        const named = { ...one(1), writer: "id:one" };
        expect(await done(a.log.append(GROUP, named))).toBe("stored");
        expect(await done(b.log.append(GROUP, named))).toBe("known");
        expect(await done(b.log.append(GROUP, { ...one(1, "end"), writer: "b.0" }))).toBe("stored");
        await until(() => a.heard.length === 2, "both");
        expect(a.heard.map(({ bytes: part }) => Buffer.from(part).toString())).toEqual(["1", "end"]);
      },
    );

    define("many writers at once: each in its order, and no number twice or left out", async ({ until }) => {
      const [a, b, c] = [await begin(["{x}*"]), await begin(), await begin()];
      const write = async ({ log }: Ear, index: number): Promise<void> => {
        for (let n = 1; n <= 40; n++)
          expect(await log.append(GROUP, { ...one(n, `${index}.${n}`), writer: `${index}.0` })).toBe(
            "stored",
          );
      };
      await done(Promise.all([a, b, c].map(write)));
      await until(() => a.heard.length === 120, "all");
      const [first] = a.heard;
      expect(a.heard.map(({ at }) => at.number - (first?.at.number ?? 0))).toEqual(
        Array.from({ length: 120 }, (_, n) => n),
      );
      for (const index of [0, 1, 2]) {
        const own = a.heard
          .map(({ bytes: part }) => Buffer.from(part).toString())
          .filter((text) => text.startsWith(`${index}.`));
        expect(own).toEqual(Array.from({ length: 40 }, (_, n) => `${index}.${n + 1}`));
      }
    });

    define("what came after a position is read, by topics or all of it", async () => {
      const { log } = await begin();
      const start = await done(log.end(GROUP));
      for (let n = 1; n <= 300; n++)
        log.append(GROUP, batch(n, [[n % 3 === 0 ? "{x}*" : `{x}#room ${n % 7} ü`], `${n}`]));
      await done(log.append(GROUP, one(301)));
      const at = (number: number): Position => ({ ...start, number: start.number + number });
      const read = async (after: number, topics?: string[]): Promise<number[] | undefined> =>
        (await done(log.read(GROUP, at(after), topics)))?.entries.map(
          ({ at: { number } }) => number - start.number,
        );
      const all = Array.from({ length: 301 }, (_, n) => n + 1);
      expect(await read(0)).toEqual(all);
      expect(await read(290)).toEqual(all.slice(290));
      expect(await read(301)).toEqual([]);
      const wide = all.filter((n) => n % 3 === 0 || n === 301);
      expect(await read(0, ["{x}*"])).toEqual(wide);
      const some = all.filter((n) => wide.includes(n) || [2, 5].includes(n % 7));
      expect(await read(10, ["{x}#room 5 ü", "{x}*", "{x}#room 2 ü"])).toEqual(some.filter((n) => n > 10));
      expect(await read(302)).toBeUndefined();
      expect(await done(log.read(GROUP, { epoch: "abcdefgh", number: 1 }))).toBeUndefined();
      expect((await done(log.read(GROUP, at(10))))?.end).toEqual(at(301));
      expect(await done(log.read("{y}", at(0)))).toBeUndefined();
    });

    define("bytes of any value and length come back as they were", async ({ until }) => {
      const { log, bus, heard } = await begin(["{x}*"]);
      const parts = [
        new Uint8Array(),
        Uint8Array.from({ length: 256 }, (_, n) => n),
        Uint8Array.of(0xff, 0xfe, 0),
        new Uint8Array(200_000).fill(13),
      ];
      const start = await done(log.end(GROUP));
      const entries = parts.map((part) => ({ topics: ["{x}*"], bytes: part }));
      await done(log.append(GROUP, { writer: "a.0", number: 1, entries, keep: KEEP }));
      for (const part of parts) bus.publish("{x}*", part);
      await until(() => heard.length === parts.length, "all");
      const read = (await done(log.read(GROUP, start)))?.entries ?? [];
      for (const [index, part] of parts.entries())
        for (const list of [heard, read])
          expect(Buffer.from(part).equals(Buffer.from(list[index]?.bytes ?? [1]))).toBe(true);
    });

    define("what is not kept any more is not passed over in silence", async () => {
      const { log } = await begin();
      const start = await done(log.end(GROUP));
      const entries = Array.from({ length: 100 }, (_, n) => ({ topics: ["{x}*"], bytes: bytes(`${n}`) }));
      for (let n = 1; n <= 20; n++)
        await done(
          log.append(GROUP, { writer: "a.0", number: n, entries, keep: { ms: 60_000, entries: 300 } }),
        );
      expect(await done(log.read(GROUP, start))).toBeUndefined();
      const last = { ...start, number: start.number + 1990 };
      expect((await done(log.read(GROUP, last)))?.entries.length).toBe(10);
    });

    define("a new epoch ends what was said of positions before", async ({ until }) => {
      const { log, heard } = await begin(["{x}*"]);
      await done(log.append(GROUP, one(1)));
      const before = await done(log.end(GROUP));
      const renewed = await done(log.renew(GROUP));
      expect(renewed.epoch).not.toBe(before.epoch);
      expect(await done(log.end(GROUP))).toEqual(renewed);
      expect(await done(log.append(GROUP, one(2)))).toBe("stored");
      await until(() => heard.length === 2, "both");
      expect(heard[1]?.at).toEqual({ ...renewed, number: renewed.number + 1 });
      expect(await done(log.read(GROUP, before))).toBeUndefined();
      expect((await done(log.read(GROUP, renewed)))?.entries.length).toBe(1);
    });

    define("records change by their version alone, and end", async ({ until }) => {
      const [{ records }, { records: other }] = [await begin(), await begin()];
      const text = async (key: string): Promise<string | undefined> => {
        const record = await done(records.get(key));
        return record && Buffer.from(record.bytes).toString();
      };
      const put = (
        key: string,
        value: string,
        version: number,
        ttlMs = 60_000,
      ): Promise<number | undefined> => done(records.put(key, bytes(value), version, ttlMs));
      expect(await text("{x}one")).toBeUndefined();
      const first = await put("{x}one", "1", 0);
      expect(first).toBeGreaterThan(0);
      expect(await put("{x}one", "2", 0)).toBeUndefined();
      const second = await put("{x}one", "2", first ?? 0);
      expect(await done(other.put("{x}one", bytes("3"), first ?? 0, 60_000))).toBeUndefined();
      expect((await done(other.get("{x}one")))?.version).toBe(second);
      expect(await text("{x}one")).toBe("2");
      expect(await done(records.delete("{x}one", first ?? 0))).toBe(false);
      expect(await done(records.delete("{x}one", second ?? 0))).toBe(true);
      expect(await text("{x}one")).toBeUndefined();
      expect(await put("{x}one", "again", second ?? 0)).toBeUndefined();
      expect(await put("{x}one", "again", 0)).toBeDefined();

      const parallel = await done(
        Promise.all([records, other].map((each, n) => each.put("{x}race", bytes(`${n}`), 0, 60_000))),
      );
      expect(parallel.filter((version) => version !== undefined)).toHaveLength(1);

      await put("{x}short", "short", 0, 2_000);
      await put("{x}long", "long", 0, 2_000);
      await done(records.touch(["{x}long", "{x}none"], 60_000));
      let isGone = false;
      await until(() => {
        records.get("{x}short").then((record) => {
          isGone = record === undefined;
        });
        return isGone;
      }, "its end");
      expect([await text("{x}long"), await text("{x}none")]).toEqual(["long", undefined]);
    });

    define("while it is down, all answers are errors", async (given) => {
      const { breakDown, repair, until } = given;
      if (!breakDown || !repair) return;
      const { log, records, states } = await begin(["{x}*"]);
      await breakDown.call(given);
      await until(() => states.at(-1) === "down", "down");
      const asked: Promise<unknown>[] = [
        log.end(GROUP),
        log.append(GROUP, one(1)),
        log.renew(GROUP),
        records.get("{x}one"),
      ];
      const answers = await done(Promise.allSettled(asked));
      for (const answer of answers) expect(answer).toMatchObject({ reason: { code: "ERR_BUS_DOWN" } });
      await repair.call(given);
      await until(() => states.at(-1) === "up", "up");
      expect(await done(log.append(GROUP, one(1)))).toBe("stored");
    });
  });
}
