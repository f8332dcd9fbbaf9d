// Against a real nats-server of the tests' own, which is killed and frozen.
import { connect } from "@nats-io/transport-node";
import { nats } from "@sockeye/bus-nats";
import { busSuite, type ClusterBench, clusterSuite } from "@sockeye/conformance";
import type { Bus } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { findNats, type Nats, startNats } from "../../../test/support/nats-server.js";
import { until } from "../../../test/support/wait.js";
import { token } from "../src/nats-bus.js";

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

it("takes nothing but a way to connect, and prefixes that can be subjects", () => {
  const bad = expect.objectContaining({ code: "ERR_BAD_OPTION" });
  expect(() => nats(undefined as never, {})).toThrow(bad);
  expect(() => nats(connect, undefined as never)).toThrow(bad);
  for (const prefix of ["", "a b", "*.", ">", ".a", "a..b"])
    expect(() => nats(connect, {}, { prefix })).toThrow(bad);
});

it("tokens of two topics differ, and are tokens", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), fc.string({ unit: "grapheme" }), (one, other) => {
      if (one !== "") expect(token(one)).toMatch(/^[\w=-]+$/);
      if (one !== other) expect(token(one)).not.toBe(token(other));
    }),
  );
});
