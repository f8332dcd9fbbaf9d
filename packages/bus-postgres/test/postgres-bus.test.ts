// Against a real PostgreSQL of the tests' own, which is stopped, killed and frozen.
import { readFileSync } from "node:fs";
import { type PostgresBusOptions, postgres, tablesSql } from "@sockeye/bus-postgres";
import { busSuite, type ClusterBench, clusterSuite, keepingBusSuite } from "@sockeye/conformance";
import type { Bus } from "@sockeye/protocol";
import { nativeClock } from "@sockeye/session";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it, test } from "vitest";
import { findPostgres, type Postgres, startPostgres } from "../../../test/support/postgres-server.js";
import { until } from "../../../test/support/wait.js";
import { hashOf } from "../src/bell.js";
import { sweeps } from "../src/sweeper.js";
import { tablesOf } from "../src/tables.js";

const programs = findPostgres();
if (programs === undefined) console.log("bus-postgres: no postgres, so its tests are skipped");

test.runIf(process.env["CI"] === "true")("there is a PostgreSQL where nothing may be skipped", () => {
  expect(programs).toBeDefined();
});

const KEEP = { maxDisconnectionDuration: 60_000, maxPackets: 10_000 };

describe.skipIf(programs === undefined)("bus-postgres", () => {
  let server: Postgres;
  let benches = 0;
  beforeAll(async () => {
    server = await startPostgres(programs ?? "");
  }, 60_000);
  afterAll(() => server.remove());

  const pool = (): pg.Pool =>
    new pg.Pool({ host: "127.0.0.1", port: server.port, user: "sockeye", database: "postgres" });
  /** Each has tables of its own. */
  const bench = (): ClusterBench => {
    const options: PostgresBusOptions = { prefix: `b${++benches}_` };
    return {
      clock: nativeClock,
      makeBus: () => postgres(pool(), options),
      until: (condition, what) => until(condition, what),
      breakDown: () => server.stop(),
      repair: () => server.start(),
    };
  };

  busSuite("PostgreSQL", bench);
  keepingBusSuite("PostgreSQL", bench);
  clusterSuite("PostgreSQL", bench);
  clusterSuite("PostgreSQL", bench, KEEP);

  const query = async (text: string, values: unknown[] = []): Promise<unknown[][]> => {
    const client = new pg.Client({
      host: "127.0.0.1",
      port: server.port,
      user: "sockeye",
      database: "postgres",
    });
    await client.connect();
    const { rows } = await client.query({ text, values, rowMode: "array" });
    await client.end();
    return rows as unknown[][];
  };
  const hearing = async (
    bus: Bus,
    topics: string[],
  ): Promise<{ heard: string[]; states: string[]; inForce: Set<string> }> => {
    const ear = { heard: [] as string[], states: [] as string[], inForce: new Set<string>() };
    bus.subscribe(topics);
    await bus.open({
      message: (topic, bytes) => void ear.heard.push(`${topic} ${Buffer.from(bytes).toString()}`),
      subscribed: (those) => those.forEach((topic) => void ear.inForce.add(topic)),
      up: (gap) => void ear.states.push(gap ? "up, gap" : "up"),
      down: () => void ear.states.push("down"),
    });
    return ear;
  };
  const bytes = (text: string): Uint8Array => Buffer.from(text);

  it.each(["first", "second"])("one whose %s connection is cut is told of a gap", async (which) => {
    const bus = postgres(pool(), { prefix: "cut_" });
    const { heard, states } = await hearing(bus, ["{x}one"]);
    const order = which === "first" ? "asc" : "desc";
    await query(
      `select pg_terminate_backend(pid) from pg_stat_activity where pid <> pg_backend_pid() and backend_type = 'client backend'
       and query like '%cut_%' order by backend_start ${order} limit 1`,
    );
    await until(() => states.length === 2, "down and up");
    expect(states).toEqual(["down", "up, gap"]);
    bus.publish("{x}one", bytes("here"));
    await until(() => heard.length === 1, "a message");
    await bus.close();
  });

  it("topics may hold any character, and a message that nobody wants is not read", async () => {
    const [a, b] = [postgres(pool(), { prefix: "odd_" }), postgres(pool(), { prefix: "odd_" })];
    const topics = ["{x}nul \0 %00 %25", "{x}'; drop table odd_message; --", '{x}{"\\\n', "{ü\0}*"];
    const { heard } = await hearing(a, topics);
    const other = await hearing(b, ["{x}end"]);
    for (const topic of topics) b.publish(topic, bytes("1"));
    await b.log?.append("{ü\0}", {
      writer: "w",
      number: 1,
      entries: [{ topics: ["{ü\0}#\0", "{ü\0}*"], bytes: bytes("2") }],
      keep: { ms: 1000, entries: 10 },
    });
    b.publish("{x}end", bytes("3"));
    await until(() => heard.length === 5 && other.heard.length === 1, "all");
    expect(heard.sort()).toEqual([...topics.map((topic) => `${topic} 1`), "{ü\0}#\0 2"].sort());
    expect(other.heard).toEqual(["{x}end 3"]);
    await Promise.all([a.close(), b.close()]);
  });

  it("a notification of others means nothing; one of a row that is not there means a gap", async () => {
    const bus = postgres(pool(), { prefix: "odd_" });
    const { states } = await hearing(bus, ["{x}one"]);
    const ring = (bell: string): Promise<unknown> => query("select pg_notify('odd_bell', $1)", [bell]);
    for (const bell of ["", "hello", "m abcdefgh 1 0~1", "l abcdefgh 1 ?~1 {x}"]) await ring(bell);
    expect(states).toEqual([]);
    await ring(`m abcdefgh 1 ${hashOf("{x}one")}~5`);
    await until(() => states.length === 2, "down and up");
    expect(states).toEqual(["down", "up, gap"]);
    await bus.close();
  });

  it("a PostgreSQL that stands still is given up once too much waits, and is back when it goes on", async () => {
    const bus = postgres(pool(), { prefix: "odd_" });
    const { heard, states } = await hearing(bus, ["{x}one"]);
    server.signal("SIGSTOP");
    try {
      const large = new Uint8Array(8_000_000);
      for (let n = 0; n < 12; n++) bus.publish("{x}large", large);
      await until(() => states.length === 1, "down");
      const answer = bus.records?.get("{x}one");
      await expect(answer).rejects.toMatchObject({ code: "ERR_BUS_DOWN" });
      bus.restart();
    } finally {
      server.signal("SIGCONT");
    }
    await until(() => states.length === 2, "up", 20_000);
    expect(states).toEqual(["down", "up, gap"]);
    bus.publish("{x}one", bytes("here"));
    await until(() => heard.length === 1, "a message");
    await bus.close();
  }, 30_000);

  it("closes though PostgreSQL stands still, and fails what was asked", async () => {
    const bus = postgres(pool(), { prefix: "odd_" });
    await hearing(bus, ["{x}one"]);
    server.signal("SIGSTOP");
    try {
      const answer = expect(bus.log?.end("{x}")).rejects.toMatchObject({ code: "ERR_BUS_DOWN" });
      await bus.close();
      await answer;
    } finally {
      server.signal("SIGCONT");
    }
  });

  it("many batches that come while it is busy are all there, in order, with those of others between", async () => {
    const buses = [postgres(pool(), { prefix: "odd_" }), postgres(pool(), { prefix: "odd_" })];
    const ears = await Promise.all(buses.map((bus) => hearing(bus, ["{many}*"])));
    const answers = buses.flatMap((bus, writer) =>
      Array.from({ length: 300 }, (_, n) =>
        bus.log?.append("{many}", {
          writer: `w${writer}`,
          number: n + 1,
          entries: [{ topics: ["{many}*"], bytes: bytes(`${writer} ${n}`) }],
          keep: { ms: 60_000, entries: 10_000 },
        }),
      ),
    );
    expect(new Set(await Promise.all(answers))).toEqual(new Set(["stored"]));
    await until(() => ears.every(({ heard }) => heard.length === 600), "all");
    expect(ears[0]?.heard).toEqual(ears[1]?.heard);
    for (const writer of [0, 1])
      expect(ears[0]?.heard.filter((line) => line.startsWith(`{many}* ${writer}`))).toEqual(
        Array.from({ length: 300 }, (_, n) => `{many}* ${writer} ${n}`),
      );
    await Promise.all(buses.map((bus) => bus.close()));
  });

  it("what is old is swept away, and nothing else", async () => {
    const tables = tablesOf("sweep_");
    const bus = postgres(pool(), { prefix: "sweep_" });
    await hearing(bus, ["{x}one"]);
    const append = (number: number, ms: number): Promise<unknown> =>
      Promise.resolve(
        bus.log?.append("{x}", {
          writer: "w",
          number,
          entries: [{ topics: ["{x}one"], bytes: bytes("1") }],
          keep: { ms, entries: 10 },
        }),
      );
    await append(1, 60_000);
    const before = await bus.log?.end("{x}");
    // Somebody with other options: what is kept for longer may come before what is gone.
    await append(2, 0);
    await append(3, 60_000);
    bus.publish("{x}one", bytes("1"));
    await bus.records?.put("{x}gone", bytes("1"), 0, 0);
    await bus.records?.put("{x}here", bytes("1"), 0, 60_000);
    await bus.close();
    for (const text of sweeps(tables)) await query(text);
    const count = async (table: string): Promise<number> =>
      Number((await query(`select count(*) from ${table}`))[0]?.[0]);
    const all = [tables.message, tables.log, tables.entry, tables.writer, tables.record];
    expect(await Promise.all(all.map(count))).toEqual([1, 1, 2, 1, 1]);
    const later = postgres(pool(), { prefix: "sweep_" });
    await hearing(later, []);
    expect(await later.log?.read("{x}", { epoch: "", number: 0, ...before })).toBeUndefined();
    expect((await later.log?.read("{x}", { epoch: "", ...before, number: 2 }))?.entries.length).toBe(1);
    await later.close();
  });

  it("behind a pooler, where no notification arrives, it says why", async () => {
    // As PgBouncer does: a number of its own, and notifications for a connection that has nobody now.
    class Pooled extends pg.Client {
      get processID(): number {
        return 1;
      }
      set processID(_number: number) {}
      override emit(event: string | symbol, ...args: never[]): boolean {
        return event === "notification" || super.emit(event as never, ...args);
      }
    }
    const bus = postgres(Object.assign(pool(), { Client: Pooled }), { prefix: "odd_" });
    await expect(hearing(bus, [])).rejects.toMatchObject({
      code: "ERR_NOT_SUPPORTED",
      message: expect.stringContaining("pooler"),
    });
    await bus.close();
  }, 30_000);

  it("a user who may not make the tables is told; who may use them can", async () => {
    await query("create role guest login; create schema app; grant usage on schema app to guest");
    const guests = (): pg.Pool =>
      new pg.Pool({ host: "127.0.0.1", port: server.port, user: "guest", database: "postgres" });
    const bus = postgres(guests(), { prefix: "app.bus_" });
    await expect(hearing(bus, [])).rejects.toMatchObject({ code: "ERR_NOT_SUPPORTED" });
    await bus.close();
    await query(tablesSql("app.bus_"));
    await query(
      "grant all on all tables in schema app to guest; grant all on all sequences in schema app to guest",
    );
    const later = postgres(guests(), { prefix: "app.bus_" });
    const { heard } = await hearing(later, ["{x}one"]);
    later.publish("{x}one", bytes("here"));
    await until(() => heard.length === 1, "a message");
    expect(await later.records?.put("{x}one", bytes("1"), 0, 1000)).toBeGreaterThan(0);
    await later.close();
  });

  it("an unknown database is told at once", async () => {
    const unknown = new pg.Pool({ host: "127.0.0.1", port: server.port, user: "sockeye", database: "none" });
    const bus = postgres(unknown);
    await expect(hearing(bus, [])).rejects.toMatchObject({ code: "3D000" });
    await bus.close();
  });
});

it("takes nothing but a pool, and prefixes that can be names", () => {
  const bad = expect.objectContaining({ code: "ERR_BAD_OPTION" });
  for (const given of [undefined, {}, { options: {} }, "postgres://"])
    expect(() => postgres(given as never)).toThrow(bad);
  for (const prefix of ["", "A_", "a b", "a.b.c", '"', "x".repeat(25), "1a"])
    expect(() => postgres(new pg.Pool(), { prefix })).toThrow(bad);
  expect(tablesSql("app.bus_")).toContain("create unlogged table if not exists app.bus_message (");
});

it("the README shows the SQL", () => {
  const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
  expect(readme).toContain(`\n\`\`\`sql\n${tablesSql()}\`\`\`\n`);
});
