import { EventSource } from "eventsource";
import type { ServerOptions } from "socket.io";
import type { Random } from "../fuzz/random.js";
import { type ClientOptions, loadClient, type Site, startSite } from "../support/servers.js";
import { turn } from "../support/wait.js";
import { check, type Violation } from "./check.js";
import { ClientEnd } from "./client-end.js";
import { emptyHistory, type History } from "./history.js";
import type { Form, Kind } from "./message.js";
import { type Path, pathsFor } from "./paths.js";
import { type FaultKind, Schedule, stream } from "./plan.js";
import { FaultProxy, type Stroke } from "./proxy.js";
import { ROOMS, ServerEnd } from "./server-end.js";
import { type Tally, tally } from "./tally.js";

// For clients over `sse`: Node.js has none.
Object.assign(globalThis, { EventSource });

export interface Setup {
  readonly seed: number;
  /** How long messages are sent and faults strike. Then everything has to come to rest. */
  readonly seconds: number;
  readonly clients: number;
  readonly client: "sockeye" | "socket.io-client 4";
  readonly server: "sockeye" | "socket.io 4";
  /** With connection state recovery. */
  readonly recovery: boolean;
  /** Sockeye's option of both ends. */
  readonly resume?: false | { readonly windowMs?: number; readonly maxBytes?: number };
  /** May conversations end, as long as both ends are told? */
  readonly mayEnd: boolean;
  /** Do clients leave and come back, now and then, as they like? */
  readonly leave?: boolean;
  readonly kinds?: ReadonlySet<FaultKind>;
  /** Only these ways to connect. */
  readonly paths?: readonly string[];
}

export interface Outcome {
  readonly violations: readonly Violation[];
  readonly histories: readonly History[];
  readonly tallies: readonly Tally[];
  /** What the proxy of each client did. */
  readonly strokes: readonly (readonly Stroke[])[];
}

/** Longer than any window of a session that may have to pass. */
const REST_MS = 60_000;

/** A heartbeat is missed soon, so that dead connections are noticed while there is something to lose. */
const SERVER_OPTIONS: Partial<ServerOptions> = {
  pingInterval: 1500,
  pingTimeout: 2000,
  upgradeTimeout: 2000,
  connectTimeout: 10_000,
};
const CLIENT_OPTIONS: ClientOptions = {
  forceNew: true,
  reconnectionDelay: 50,
  reconnectionDelayMax: 300,
  timeout: 3000,
};

/** Plays one trial: clients behind proxies that do harm, both ends talking, and then a time of rest. */
export async function play(setup: Setup): Promise<Outcome> {
  const { seed, seconds, recovery, resume } = setup;
  const begun = performance.now();
  const now = (): number => performance.now() - begun;
  const site = await startSite(setup.server, {
    ...SERVER_OPTIONS,
    ...(recovery && { connectionStateRecovery: {} }),
    ...(resume !== undefined && { resume }),
  });
  const paths = pathsFor(setup);
  const labels = Array.from({ length: setup.clients }, (_, client) => paths[client % paths.length] as Path);
  const histories = labels.map(({ label }, client) => emptyHistory(client, label));
  const server = new ServerEnd(site.io, histories, now, stream(seed, 0, 0, 10));
  const schedule = new Schedule(seed, setup.kinds);
  const proxies = await Promise.all(
    labels.map((_, client) => FaultProxy.start(site.port, schedule, client, now)),
  );
  const { io } = await loadClient(setup.client);
  const ends = proxies.map(({ port }, client) => {
    const options = { ...CLIENT_OPTIONS, ...labels[client]?.options, auth: { client } };
    const socket = io(`http://127.0.0.1:${port}`, {
      ...options,
      ...(resume === false && { resume }),
    });
    return new ClientEnd(socket, histories[client] as History, now, stream(seed, client, 0, 11));
  });
  const stop = talk(ends, server, setup);
  await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  stop();
  for (const proxy of proxies) proxy.heal();
  const restless = await rest(ends, server);
  const outcome = judge(setup, histories, proxies, restless);
  await clear(ends, proxies, site);
  return outcome;
}

function judge(
  setup: Setup,
  histories: readonly History[],
  proxies: readonly FaultProxy[],
  restless: readonly number[],
): Outcome {
  for (const client of restless) histories[client]?.faults.push("does not come to rest");
  const all = histories.map((history) => check(history, setup));
  return {
    violations: all.flat(),
    histories,
    tallies: histories.map((history, index) => tally(history, all[index] ?? [])),
    strokes: proxies.map(({ strokes }) => strokes),
  };
}

async function clear(ends: readonly ClientEnd[], proxies: readonly FaultProxy[], site: Site): Promise<void> {
  for (const { socket } of ends) {
    socket.io.reconnection(false);
    socket.disconnect();
  }
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await site.end();
}

/** Everybody sends, at moments that are drawn. @returns what ends it */
function talk(ends: readonly ClientEnd[], server: ServerEnd, { seed, leave = false }: Setup): () => void {
  const timers = new Set<NodeJS.Timeout>();
  const repeat = (random: Random, mostMs: number, act: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      // Now and then several in one turn.
      for (let left = random.chance(0.1) ? 6 : 1; left > 0; left--) act();
      repeat(random, mostMs, act);
    }, 20 + random.below(mostMs));
    timers.add(timer);
  };
  ends.forEach((end, client) => {
    const up = stream(seed, client, 0, 12);
    repeat(up, 250, () => end.send(draw(up, ["up", "up", "upWithAck", "upVolatile"]), form(up)));
    const leaving = stream(seed, client, 0, 15);
    if (leave) repeat(leaving, 6000, () => end.leave());
    const down = stream(seed, client, 0, 13);
    repeat(down, 250, () =>
      server.send(client, draw(down, ["down", "down", "downWithAck", "downVolatile"]), form(down)),
    );
  });
  const all = stream(seed, 0, 0, 14);
  repeat(all, 250, () => server.broadcast(form(all), all.chance(0.5) ? undefined : all.below(ROOMS)));
  return () => {
    for (const timer of timers) clearTimeout(timer);
  };
}

function draw(random: Random, kinds: readonly Kind[]): Kind {
  return random.pick(kinds);
}

function form(random: Random): Form {
  if (random.chance(0.015)) return random.pick(["long text", "long bytes"]);
  return random.chance(0.75) ? "text" : "bytes";
}

/** Waits until each client is connected, and both ends have handled what was sent. @returns who does not get there */
async function rest(ends: readonly ClientEnd[], server: ServerEnd): Promise<number[]> {
  const end = performance.now() + REST_MS;
  const done = await Promise.all(
    ends.map((one, client) => settle(one, server, client, () => performance.now() > end)),
  );
  return done.flatMap((isDone, client) => (isDone ? [] : [client]));
}

/** Behind the first fence all is handled that was sent, and answers may be owed; behind the second they are given. */
const FENCES = 2;

async function settle(
  end: ClientEnd,
  server: ServerEnd,
  client: number,
  isLate: () => boolean,
): Promise<boolean> {
  const at = (): string => `${end.socket.connected && end.socket.id} ${server.idsOf(client).join(" ")}`;
  const together = (): boolean => at() === `${end.socket.id} ${end.socket.id}` && !end.isSuspended;
  let passed = 0;
  while (!isLate()) {
    if (!together()) passed = 0;
    if (!together() || end.owes + server.owes > 0) {
      await turn();
      continue;
    }
    const before = at();
    let answers = 0;
    for (const fence of [end.fence(), server.fence(client)]) void fence.then(() => answers++);
    while (answers < 2 && at() === before && !isLate()) await turn();
    passed = answers === 2 && at() === before ? passed + 1 : 0;
    if (passed === FENCES) return true;
  }
  return false;
}
