// A server whose time stands still but for what a test moves, and the count of what it has.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { type Namespace, Server, type ServerOptions } from "@sockeye/server";
import { afterEach, expect, vi } from "vitest";
import { Census, type Count } from "./census.js";
import { comesTrue, turn, until } from "./real-time.js";
import type { Place } from "./visitors.js";

/** As many as one address may have. */
export const VISITORS = 3;

const TRANSPORTS = ["polling", "websocket", "webtransport", "stream", "sse", "iframe", "jsonp"];

/** Not `setImmediate`: what is put off to the end of a turn is not put off by time. */
const TIME = ["setTimeout", "clearTimeout", "setInterval", "clearInterval", "performance", "Date"] as const;

export interface Counted extends Place {
  /** All whose names begin with `/child-`. */
  readonly children: Namespace;
  readonly census: Census;
  /** As it was before anybody came. */
  readonly empty: Count;
}

const ends: (() => unknown)[] = [];

/** What is done after the test, the last first. */
export function atEnd(end: () => unknown): void {
  ends.push(end);
}

afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
  vi.useRealTimers();
});

export function stopTime(): void {
  vi.useFakeTimers({ toFake: [...TIME] });
}

export async function serve(options: Partial<ServerOptions> = {}): Promise<Counted> {
  stopTime();
  const http = createServer();
  const census = new Census(http);
  const io = new Server(http, {
    transports: TRANSPORTS as never,
    allowEIO3: true,
    cleanupEmptyChildNamespaces: true,
    ...options,
    limits: { maxSessionsPerAddress: VISITORS, ...options.limits },
  });
  const children = io.of(/^\/child-/);
  http.listen(0, "127.0.0.1");
  await until(() => http.listening, "the server to listen");
  atEnd(async () => {
    http.closeAllConnections();
    await flowing(io.close());
  });
  const { port } = http.address() as AddressInfo;
  return { io, children, port, census, empty: census.count(io) };
}

/** Waits until the count is what it was, and shows the difference if it does not come to that. */
export async function expectNothingLeft(
  { io, census, empty }: Counted,
  but: Partial<Count> = {},
): Promise<void> {
  const wanted = { ...empty, ...but };
  await comesTrue(() => JSON.stringify(census.count(io)) === JSON.stringify(wanted));
  expect(census.count(io)).toEqual(wanted);
}

/** Moves the server's time on, second by second, with the network between. */
export async function pass(ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 1000) {
    vi.advanceTimersByTime(Math.min(1000, ms - passed));
    await turn();
  }
}

/** Waits until each client can be told what comes next: between two polls it cannot, and is not missed. */
export function ready({ io }: Place): Promise<void> {
  return until(
    () => Object.values(io.engine.clients).every(({ transport }) => transport.writable),
    "polls that wait",
  );
}

/** Lets the network and, little by little, time go on until something holds. */
export async function flow(condition: () => boolean, what: string, stepMs = 5): Promise<void> {
  for (let n = 0; n < 5000; n++) {
    if (condition()) return;
    vi.advanceTimersByTime(stepMs);
    await turn();
  }
  throw new Error(`waited in vain for: ${what}`);
}

/** The same until a promise is settled. */
export async function flowing<T>(promise: Promise<T>): Promise<T> {
  let settled = false;
  const settle = (): void => {
    settled = true;
  };
  promise.then(settle, settle);
  await flow(() => settled, "a promise", 1);
  return promise;
}
