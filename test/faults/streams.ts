// npm run faults -- --streams: streams and uploads behind proxies that do harm.
import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { io as dial } from "@sockeye/client";
import { streams, uploads } from "@sockeye/contract/client";
import { Server } from "@sockeye/server";
import { EventSource } from "eventsource";
import type { Random } from "../fuzz/random.js";
import { type Path, pathsFor } from "./paths.js";
import { type FaultKind, Schedule, stream } from "./plan.js";
import { FaultProxy } from "./proxy.js";

// For clients over `sse`: Node.js has none.
Object.assign(globalThis, { EventSource });

export interface StreamSetup {
  readonly seed: number;
  readonly seconds: number;
  readonly clients: number;
  readonly kinds?: ReadonlySet<FaultKind>;
  /** False: sessions end with their transports, and much is found. */
  readonly resume?: false;
}

export interface StreamOutcome {
  readonly violations: readonly string[];
  readonly strokes: number;
  readonly totals: Readonly<Record<"read" | "cancelled" | "attached" | "reloaded" | "uploaded", number>>;
}

/** Longer than any window of a session that may have to pass. */
const REST_MS = 60_000;

type Act = (n: number) => Promise<string | undefined>;

/** What must hold: items come once and in order, a producer runs once and is told when it is not wanted, bytes arrive as they were sent, and nothing is left. */
export async function playStreams({
  seed,
  seconds,
  clients,
  kinds,
  resume,
}: StreamSetup): Promise<StreamOutcome> {
  const begun = performance.now();
  const now = (): number => performance.now() - begun;
  const http = createServer();
  const io = new Server(http, {
    pingInterval: 1500,
    pingTimeout: 2000,
    upgradeTimeout: 2000,
    connectTimeout: 10_000,
    ...(resume === false && { resume }),
  });
  const violations: string[] = [];
  io.on("error", (error) => void violations.push(`the server has an error: ${String(error)}`));
  const producers = { begun: 0, ended: 0 };
  const runs = new Map<string, number>();
  async function* count({ to, paceMs }: { to: number; paceMs: number }, { signal }: { signal: AbortSignal }) {
    producers.begun++;
    try {
      for (let n = 1; n <= to; n++) {
        if (n % 10 === 0) await wait(paceMs, undefined, { signal });
        yield n;
      }
      return { last: to };
    } finally {
      producers.ended++;
    }
  }
  io.stream("count", count);
  io.stream(
    "kept",
    { keep: "10m", owner: (socket) => `${socket.handshake.auth["client"]}` },
    async function* (input, context) {
      runs.set(String(context.id), (runs.get(String(context.id)) ?? 0) + 1);
      return yield* count(input, context);
    },
  );
  io.upload("file", async (file) => {
    const hash = createHash("md5");
    for await (const bytes of file) hash.update(bytes);
    return { bytes: file.received, md5: hash.digest("hex") };
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const { port } = http.address() as AddressInfo;
  const schedule = new Schedule(seed, kinds);
  const proxies = await Promise.all(
    Array.from({ length: clients }, (_, client) => FaultProxy.start(port, schedule, client, now)),
  );
  const paths = pathsFor({ client: "sockeye", server: "sockeye" });
  const totals = { read: 0, cancelled: 0, attached: 0, reloaded: 0, uploaded: 0 };
  let isOver = false;
  const ends = proxies.map((proxy, client) => {
    const socket = dial(`http://127.0.0.1:${proxy.port}`, {
      forceNew: true,
      reconnectionDelay: 50,
      reconnectionDelayMax: 300,
      timeout: 3000,
      ...((paths[client % paths.length] as Path).options as object),
      auth: { client },
      ...(resume === false && { resume }),
      extend: [streams, uploads],
    });
    const random = stream(seed, client, 0, 21);
    const input = (): { to: number; paceMs: number } => ({ to: random.below(400), paceMs: random.below(30) });
    /** Reads so many, from the one behind this item. */
    const read = async (
      items: AsyncIterator<unknown>,
      from: number,
      to: number,
    ): Promise<string | undefined> => {
      for (let n = from + 1; n <= to; n++) {
        const { value, done } = await items.next();
        if (done || value !== n) return `item ${n} is ${done ? "the end" : value}`;
      }
      return undefined;
    };
    const whole = async (answer: ReturnType<typeof socket.stream>, from: number, to: number) => {
      const wrong = await read(answer, from, to);
      if (wrong) return wrong;
      if (!(await answer.next()).done) return "there is more behind the end";
      return (await answer.end).last === to ? undefined : "another end";
    };
    const acts: Record<keyof typeof totals, Act> = {
      read: async () => {
        const asked = input();
        return whole(socket.stream("count", asked), 0, asked.to);
      },
      cancelled: async () => {
        const asked = input();
        const answer = socket.stream("count", asked);
        const wrong = await read(answer, 0, random.below(asked.to + 1));
        answer.cancel();
        return wrong;
      },
      attached: async (n) => {
        const asked = input();
        const id = `${client}-${n}`;
        const first = socket.stream("kept", asked, { id });
        const until = random.below(asked.to + 1);
        const wrong = await read(first, 0, until);
        if (wrong) return wrong;
        // What it has read nothing of it does not know to be kept.
        if (until === 0) await first.next();
        const after = first.position;
        first.detach();
        return (
          (await whole(socket.stream("kept", undefined, { id, after }), after, asked.to)) ??
          (runs.get(id) === 1 ? undefined : `${id} has run ${runs.get(id)} times`)
        );
      },
      reloaded: async (n) => {
        const asked = { to: 1 + random.below(400), paceMs: random.below(30) };
        const id = `${client}-${n}`;
        const answer = socket.stream("kept", asked, { id });
        const wrong = await read(answer, 0, 1);
        socket.disconnect();
        socket.connect();
        return (
          wrong ??
          (await whole(answer, 1, asked.to)) ??
          (runs.get(id) === 1 ? undefined : `${id} has run ${runs.get(id)} times`)
        );
      },
      uploaded: async () => {
        const data = bytesOf(random);
        const answer = await socket.upload("file", data);
        const md5 = createHash("md5").update(data).digest("hex");
        return answer.md5 === md5 && answer.bytes === data.length ? undefined : "other bytes have arrived";
      },
    };
    const names = Object.keys(acts) as (keyof typeof totals)[];
    const loop = async (): Promise<void> => {
      for (let n = 0; !isOver; n++) {
        const name = random.pick(names);
        const wrong = await acts[name](n).catch((error: Error) => `${error.name}: ${error.message}`);
        totals[name]++;
        if (wrong) violations.push(`client ${client}, ${n}, ${name}: ${wrong}`);
      }
    };
    return { socket, done: loop() };
  });
  await wait(seconds * 1000);
  isOver = true;
  for (const proxy of proxies) proxy.heal();
  const rest = new AbortController();
  const late = wait(REST_MS, "late", { signal: rest.signal }).catch(() => "late");
  for (const [client, { done }] of ends.entries())
    if ((await Promise.race([done, late])) === "late")
      violations.push(`client ${client} does not come to rest`);
  rest.abort();
  for (const { socket } of ends) socket.io.reconnection(false).engine.close();
  await Promise.all(proxies.map((proxy) => proxy.stop()));
  await io.close();
  const end = performance.now() + REST_MS;
  while (producers.ended < producers.begun && performance.now() < end) await wait(10);
  if (producers.ended !== producers.begun)
    violations.push(`${producers.begun - producers.ended} producers have not ended`);
  return { violations, strokes: proxies.flatMap(({ strokes }) => strokes).length, totals };
}

function bytesOf(random: Random): Uint8Array {
  const seed = random.below(256);
  return Uint8Array.from({ length: random.below(300_000) }, (_, at) => (at * 31 + (at >> 8) + seed) & 255);
}
