// Our client in Node.js and our server, with something in between that a network may have. All runs are under way at once,
// since most of their time is waiting. PRINT_TABLE=1 prints what was measured, as the table of docs/transports.md.

import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Site, startSite } from "../support/servers.js";
import { EVENTS, type Journey, travel } from "./journey.js";
import { NGINX, startNginx } from "./nginx.js";
import { CLIENTS, type ClientName, PATHS, type Path } from "./paths.js";
import { startProxy } from "./proxy.js";

interface Run {
  readonly path: Path;
  readonly name: ClientName;
  readonly site: Site;
  /** Of the path's near end. */
  port: number;
  result: Promise<Journey>;
}

const ALL = PATHS.filter(({ proxy }) => proxy !== undefined || NGINX !== undefined);
const NAMES = Object.keys(CLIENTS) as ClientName[];
/** A busy machine can look like a path that buffers, since the proof is a matter of 100 ms. */
const ATTEMPTS = 3;

const runs: Run[] = [];
const ends: (() => Promise<void>)[] = [];

beforeAll(async () => {
  for (const path of ALL) {
    for (const name of NAMES) {
      const { pingInterval = 25_000 } = path;
      const site = await startSite("sockeye", { pingInterval, connectionStateRecovery: {} });
      ends.push(() => site.end());
      runs.push({ path, name, site, port: 0, result: Promise.reject(new Error("not begun")) });
      runs.at(-1)?.result.catch(() => {});
    }
  }
  const behind = runs.filter(({ path }) => path.nginx !== undefined);
  if (NGINX !== undefined) {
    const nginx = await startNginx(
      NGINX,
      behind.map(({ site, path }) => ({ upstream: site.port, directives: path.nginx ?? [] })),
    );
    ends.push(() => nginx.stop());
    for (const [n, run] of behind.entries()) run.port = nginx.ports[n] ?? 0;
  }
  for (const run of runs) {
    if (run.path.proxy === undefined) continue;
    const proxy = await startProxy(run.site.port, run.path.proxy);
    ends.push(() => proxy.stop());
    run.port = proxy.port;
  }
  for (const run of runs) {
    run.result = attempt(run);
    run.result.catch(() => {});
  }
}, 30_000);

async function attempt({ path, name, site, port }: Run): Promise<Journey> {
  for (let n = 1; ; n++) {
    const journey = await travel(site, port, CLIENTS[name], path.quietMs ?? 0);
    const expected = path.expected[name].transports.join();
    if (n === ATTEMPTS || journey.transports.join() === expected) return journey;
  }
}

afterAll(async () => {
  try {
    if (process.env["PRINT_TABLE"]) console.log(await table());
  } finally {
    for (const end of ends.reverse()) await end();
  }
});

const numbers = (count: number): number[] => Array.from({ length: count }, (_, n) => n);

describe.each(ALL)("$title", (path) => {
  it.each(NAMES)("%s", { timeout: 150_000 }, async (name) => {
    const journey = await runs.find((run) => run.path === path && run.name === name)?.result;
    const { transports, resumes = false, afterMs = 0 } = path.expected[name];
    expect(journey?.transports).toEqual(transports);
    expect(journey?.up).toEqual(numbers(2 * EVENTS.up));
    expect(journey?.down).toEqual(numbers(2 * EVENTS.down));
    expect((journey?.resumed ?? 0) > 0).toBe(resumes);
    expect(journey?.interruptions).toBe(0);
    expect(journey?.connectedMs).toBeGreaterThanOrEqual(afterMs);
  });
});

it("docs/transports.md has each path", () => {
  const document = readFileSync(new URL("../../docs/transports.md", import.meta.url), "utf8");
  const rows = [...document.matchAll(/^\| ([^|]+?) +\|/gm)].map(([, first]) => first);
  expect(rows).toEqual(expect.arrayContaining(PATHS.map(({ title }) => title)));
});

async function table(): Promise<string> {
  const rows = await Promise.all(
    ALL.map(async (path) => {
      const cells = runs.filter((run) => run.path === path).map(async ({ result }) => cell(await result));
      return `| ${[path.title, ...(await Promise.all(cells))].join(" | ")} |`;
    }),
  );
  const head = ["path", ...NAMES];
  return [`| ${head.join(" | ")} |`, `| ${head.map(() => "---").join(" | ")} |`, ...rows].join("\n");
}

function cell({ transports, connectedMs, resumed, interruptions, up, down }: Journey): string {
  const [first, last] = transports;
  const over = first === last ? first : `${first}, then ${last}`;
  const lost = 2 * (EVENTS.up + EVENTS.down) - up.length - down.length;
  const resumes = resumed === 0 ? "" : `, resumed ${resumed} ×`;
  const broken = interruptions === 0 ? "" : `, interrupted ${interruptions} ×`;
  return `${over}, ${(connectedMs / 1000).toFixed(2)} s${resumes}${broken}, ${lost === 0 ? "nothing" : lost} lost`;
}
