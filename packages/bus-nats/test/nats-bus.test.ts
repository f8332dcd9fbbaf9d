// Against a real nats-server of the tests' own, which is killed and frozen.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, headers } from "@nats-io/transport-node";
import { nats } from "@sockeye/bus-nats";
import { busSuite, type ClusterBench, clusterSuite, keepingBusSuite } from "@sockeye/conformance";
import type { Bus } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, test } from "vitest";
import { findNats, type Nats, startNats } from "../../../test/support/nats-server.js";
import { until } from "../../../test/support/wait.js";
import { token } from "../src/nats-bus.js";
import { writeParts } from "../src/parts.js";

const program = findNats();
if (program === undefined) console.log("bus-nats: no nats-server, so its tests are skipped");

test.runIf(process.env["CI"] === "true")("there is a NATS where nothing may be skipped", () => {
  expect(program).toBeDefined();
});

const busAt = (port: number, more: object = {}): Bus =>
  nats(connect, { servers: `127.0.0.1:${port}`, ...more });

async function bench(): Promise<ClusterBench> {
  let server: Nats = await startNats(program ?? "");
  const { port } = server;
  return {
    clock: nativeClock,
    makeBus: () => busAt(port),
    until: (condition, what) => until(condition, what),
    breakDown: () => server.stop(),
    repair: async () => {
      server = await startNats(program ?? "", port);
    },
    close: () => server.stop(),
  };
}

/** With JetStream, whose folder stays when it breaks down. */
async function keepingBench(): Promise<ClusterBench> {
  const folder = mkdtempSync(join(tmpdir(), "sockeye-nats-"));
  const more = ["-js", "-sd", folder];
  let server: Nats = await startNats(program ?? "", undefined, more);
  const { port } = server;
  return {
    clock: nativeClock,
    makeBus: () => nats(connect, { servers: `127.0.0.1:${port}` }, { jetStream: { headers } }),
    until: (condition, what) => until(condition, what),
    breakDown: () => server.stop(),
    repair: async () => {
      server = await startNats(program ?? "", port, more);
    },
    close: async () => {
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function hearing(bus: Bus, topics: string[]): Promise<{ heard: string[]; states: string[] }> {
  const ear = { heard: [] as string[], states: [] as string[] };
  bus.subscribe(topics);
  await bus.open({
    message: (topic) => void ear.heard.push(topic),
    subscribed: () => {},
    up: (gap) => void ear.states.push(gap ? "up, gap" : "up"),
    down: () => void ear.states.push("down"),
  });
  return ear;
}

it("what is subscribed to while it connects, however late, is in force once it is up", async () => {
  const subjects: string[] = [];
  const pings: (() => void)[] = [];
  const connection = {
    publish: () => {},
    subscribe: (subject: string) => {
      subjects.push(subject);
      return { unsubscribe: () => {} };
    },
    flush: () => new Promise<void>((resolve) => pings.push(resolve)),
    closed: () => new Promise(() => {}),
    close: async () => {},
  };
  const bus = nats(async () => connection, {});
  bus.subscribe(["a"]);
  let isOpen = false;
  const opened = bus.open({ message() {}, subscribed() {}, up() {}, down() {} }).then(() => {
    isOpen = true;
  });
  for (const late of ["b", "c", undefined]) {
    await until(() => pings.length === 1, "a ping");
    if (late) bus.subscribe([late]);
    expect(isOpen).toBe(false);
    pings.pop()?.();
  }
  await opened;
  expect(subjects).toEqual(["sockeye.a", "sockeye.b", "sockeye.c"]);
  const closing = bus.close();
  await until(() => pings.length === 1, "the last ping");
  pings.pop()?.();
  await closing;
});

describe.skipIf(program === undefined)("bus-nats", () => {
  busSuite("NATS", bench);
  clusterSuite("NATS", bench);
  busSuite("JetStream", keepingBench);
  keepingBusSuite("JetStream", keepingBench);
  clusterSuite("JetStream", keepingBench);

  it("a NATS that stands still is given up once too much waits, and is back when it goes on", async () => {
    const server = await startNats(program ?? "");
    const bus = busAt(server.port);
    const { heard, states } = await hearing(bus, ["{x}one"]);
    server.signal("SIGSTOP");
    try {
      const large = new Uint8Array(1_000_000);
      for (let n = 0; n < 80; n++) bus.publish("{x}large", large);
      await until(() => states.length === 1, "down");
    } finally {
      server.signal("SIGCONT");
    }
    await until(() => states.length === 2, "up", 20_000);
    expect(states).toEqual(["down", "up, gap"]);
    bus.publish("{x}one", new Uint8Array(1));
    await until(() => heard.length === 1, "a message");
    await bus.close();
    await server.stop();
  }, 30_000);

  it("closes though NATS stands still", async () => {
    const server = await startNats(program ?? "");
    const bus = busAt(server.port);
    await hearing(bus, ["{x}one"]);
    server.signal("SIGSTOP");
    bus.publish("{x}one", new Uint8Array(1));
    await bus.close();
    server.signal("SIGCONT");
    await server.stop();
  });

  it("topics may be long, and hold any character", async () => {
    const server = await startNats(program ?? "");
    const bus = busAt(server.port);
    const topics = ["{x}a.b", "{x}*", "{x}>", "{x} \0\r\nü", `{x}#${"x".repeat(9_000)}`];
    const { heard } = await hearing(bus, topics);
    for (const topic of topics) bus.publish(topic, new Uint8Array(1));
    await until(() => heard.length === topics.length, "all");
    expect(heard).toEqual(topics);
    await bus.close();
    await server.stop();
  });

  it("knows how much the server takes, and is told at once that it may not come", async () => {
    const server = await startNats(program ?? "", undefined, ["--user", "u", "--pass", "p"]);
    const refused = busAt(server.port);
    await expect(hearing(refused, [])).rejects.toThrow(/Authorization/);
    await refused.close();
    const bus = busAt(server.port, { user: "u", pass: "p" });
    await hearing(bus, []);
    expect(bus.maxBytes).toBe(1_048_576);
    await bus.close();
    await server.stop();
  });
});

describe.skipIf(program === undefined)("bus-nats with a log", () => {
  const KEEP = { ms: 60_000, entries: 1_000 };
  const entry = (text: string) => ({ topics: ["{x}*"], bytes: Uint8Array.from(Buffer.from(text)) });
  const batch = (number: number, ...texts: string[]) => ({
    ...{ writer: "a.0", number, keep: KEEP },
    entries: texts.map(entry),
  });

  /** A bus on a NATS of its own, and what it hears of the log. `spoil` may fail a request, before it is sent or after it was answered. */
  async function begin() {
    const folder = mkdtempSync(join(tmpdir(), "sockeye-nats-"));
    const server = await startNats(program ?? "", undefined, ["-js", "-sd", folder]);
    const told = { heard: [] as string[], states: [] as string[], spoil: (_when: "before" | "after") => {} };
    const bus = nats(
      async (terms: object) => {
        const nc = await connect(terms);
        const request: typeof nc.request = async (...question) => {
          told.spoil("before");
          const answer = await nc.request(...question);
          told.spoil("after");
          return answer;
        };
        return new Proxy(nc, { get: (target, name) => (name === "request" ? request : bound(target, name)) });
      },
      { servers: `127.0.0.1:${server.port}` },
      { jetStream: { headers } },
    );
    bus.subscribe(["{x}*"]);
    await bus.open({
      message: (_topic, bytes, at) => void told.heard.push(`${at?.number} ${Buffer.from(bytes)}`),
      subscribed: () => {},
      up: () => void told.states.push("up"),
      down: () => void told.states.push("down"),
    });
    onTestFinished(async () => {
      await bus.close();
      await server.stop();
      rmSync(folder, { recursive: true, force: true });
    });
    const { log, records } = bus;
    if (!log || !records) throw new Error("it keeps nothing");
    return { bus, log, records, told, server };
  }
  const bound = (target: object, name: string | symbol): unknown => {
    const member: unknown = Reflect.get(target, name);
    return typeof member === "function" ? member.bind(target) : member;
  };

  it.each(["before", "after"] as const)(
    "a batch whose answer is lost is there once, if it is added again: lost %s it was sent",
    async (lost) => {
      const { log, told } = await begin();
      await log.end("{x}");
      expect(await log.append("{x}", batch(1, "one"))).toBe("stored");
      let isOver = false;
      told.spoil = (when) => {
        if (when !== lost || isOver) return;
        isOver = true;
        throw new Error("the answer is lost");
      };
      const both = [log.append("{x}", batch(2, "two", "three")), log.append("{x}", batch(3, "four"))];
      for (const answer of await Promise.allSettled(both))
        expect(answer).toMatchObject({ reason: { code: "ERR_BUS_DOWN" } });
      expect(await log.append("{x}", batch(2, "two", "three"))).toBe(lost === "after" ? "known" : "stored");
      // Both went in one step.
      expect(await log.append("{x}", batch(3, "four"))).toBe(lost === "after" ? "known" : "stored");
      await until(() => told.heard.length === 4, "all");
      expect(told.heard).toEqual(["1 one", "2 two", "3 three", "4 four"]);
    },
  );

  it("an entry that is larger than a message of NATS comes whole, and is read whole", async () => {
    const { log, told } = await begin();
    const start = await log.end("{x}");
    const large = "ü".repeat(1_500_000);
    await log.append("{x}", batch(1, "one", large, "two"));
    await until(() => told.heard.length === 3, "all");
    expect(told.heard).toEqual(["1 one", `2 ${large}`, "3 two"]);
    const read = await log.read("{x}", { ...start, number: 1 });
    expect(read?.entries.map(({ bytes }) => bytes.length)).toEqual([3_000_000, 3]);
  });

  it("streams that are gone are made again, with another epoch; what was heard before is not taken for what comes then", async () => {
    const { log, told, server } = await begin();
    const start = await log.end("{x}");
    await log.append("{x}", batch(1, "one"));
    const admin = await connect({ servers: `127.0.0.1:${server.port}` });
    onTestFinished(() => admin.close());
    for (const stream of ["sockeye_log", "sockeye_records"])
      await admin.request(`$JS.API.STREAM.DELETE.${stream}`);
    await expect(log.append("{x}", batch(2, "two"))).rejects.toMatchObject({ code: "ERR_BUS_DOWN" });
    await until(() => told.states.join() === "down,up", "up again");
    expect(await log.append("{x}", batch(2, "two"))).toBe("stored");
    const end = await log.end("{x}");
    expect([end.number, end.epoch === start.epoch]).toEqual([1, false]);
    expect(await log.read("{x}", start)).toBeUndefined();
    await until(() => told.heard.length === 2, "both");
  });

  it("makes the connection anew if something of the log was not heard, and passes over what is none", async () => {
    const { log, told, server } = await begin();
    await log.append("{x}", batch(1, "one"));
    await until(() => told.heard.length === 1, "the first");
    const other = await connect({ servers: `127.0.0.1:${server.port}` });
    onTestFinished(() => other.close());
    const live = `sockeye.live.${token("{x}")}`;
    const sequence = headers();
    sequence.set("Nats-Sequence", "99");
    other.publish(live, "nonsense", { headers: sequence });
    other.publish(live, "nonsense");
    const [ahead = new Uint8Array()] = writeParts(
      { epoch: "abcdefgh", before: 7, writer: "b", number: 1 },
      [entry("far ahead")],
      1_000_000,
    );
    other.publish(live, ahead, { headers: sequence });
    await until(() => told.states.join() === "down,up", "up again");
    await log.append("{x}", batch(2, "two"));
    await until(() => told.heard.length === 2, "the second");
    expect(told.heard).toEqual(["1 one", "2 two"]);
  });

  it("is told at once that there is no JetStream", async () => {
    const server = await startNats(program ?? "");
    const bus = nats(connect, { servers: `127.0.0.1:${server.port}` }, { jetStream: { headers } });
    await expect(hearing(bus, [])).rejects.toMatchObject({ code: "ERR_NOT_SUPPORTED" });
    await bus.close();
    await server.stop();
  });
});

it("takes nothing but a way to connect, and prefixes that can be subjects", () => {
  const bad = expect.objectContaining({ code: "ERR_BAD_OPTION" });
  expect(() => nats(undefined as never, {})).toThrow(bad);
  expect(() => nats(connect, undefined as never)).toThrow(bad);
  for (const prefix of ["", "a b", "*.", ">", ".a", "a..b"])
    expect(() => nats(connect, {}, { prefix })).toThrow(bad);
  expect(() => nats(connect, {}, { jetStream: {} as never })).toThrow(bad);
});

it("tokens of two topics differ, and are tokens", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (one, other) => {
      if (one !== "") expect(token(one)).toMatch(/^[\w=-]+$/);
      if (one !== other) expect(token(one)).not.toBe(token(other));
    }),
  );
});
