// All nodes are replaced, one after the other, while events go both ways and take their time. Nobody loses one, and nobody gets one twice.
import { type AddressInfo, connect, createServer, type Socket as Link } from "node:net";
import { io as dial } from "@sockeye/client";
import type { Socket } from "@sockeye/server";
import { EventSource } from "eventsource";
import { expect, test } from "vitest";
import { once, until } from "../support/wait.js";
import { blindProxy } from "./blind-proxy.js";
import { ENGINES } from "./engines.js";
import { atEnd, startNodes } from "./site.js";

Object.assign(globalThis, { EventSource });

const LATENCY_MS = 10;
const WAYS = {
  websocket: ["websocket"],
  polling: ["polling"],
  "an upgrade": ["polling", "websocket"],
  stream: ["stream"],
  sse: ["sse"],
};
const PATIENCE_MS = 30_000;

/** Whatever passes takes so long, each way. */
async function farProxy(port: number): Promise<string> {
  const links = new Set<Link>();
  const carry = (from: Link, to: Link): void => {
    links.add(from);
    from.on("data", (chunk) => setTimeout(() => to.write(chunk), LATENCY_MS));
    from.on("end", () => setTimeout(() => to.end(), LATENCY_MS));
    from.on("error", () => setTimeout(() => to.destroy(), LATENCY_MS));
  };
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (near) => {
    const far = connect({ port, host: "127.0.0.1", noDelay: true, allowHalfOpen: true });
    carry(near, far);
    carry(far, near);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.close();
    for (const link of links) link.destroy();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function upTo(last: number): number[] {
  return Array.from({ length: last }, (_, n) => n + 1);
}

test.each(Object.keys(ENGINES))(
  "a rolling deploy over %s loses nothing and repeats nothing, in either direction, without retries",
  async (bus) => {
    const engine = ENGINES[bus];
    if (engine?.isMissing) return;
    const nodes = await startNodes(["a", "b", "c", "d"], await engine?.start(), {
      connectionStateRecovery: {},
      transports: ["polling", "websocket", "stream", "sse"],
    });
    const handled = new Map<string, number[]>();
    const sent = new Map<string, number>();
    const here = new Set<Socket>();
    const ids = new Map<string, Set<string>>();
    for (const { io } of nodes) {
      io.on("connection", (socket) => {
        const { who } = socket.handshake.auth as { who: string };
        ids.set(who, new Set([...(ids.get(who) ?? []), socket.id]));
        here.add(socket);
        socket.on("disconnect", () => here.delete(socket));
        const handle = (n: number): void => void handled.set(who, [...(handled.get(who) ?? []), n]);
        socket.on("up", handle);
        socket.on("ask", (n: number, answer: (n: number) => void) => {
          handle(n);
          answer(n);
        });
      });
    }
    const proxy = await blindProxy([]);
    const url = await farProxy(Number(new URL(proxy.url).port));
    const serve = (...indices: number[]): void => {
      proxy.ports = indices.map((index) => nodes[index]?.port ?? 0);
    };
    serve(0, 1);

    const players = await Promise.all(
      Object.entries(WAYS).map(async ([who, transports]) => {
        const client = dial(url, {
          transports,
          forceNew: true,
          auth: { who },
          reconnectionDelay: 20,
          tryAllTransports: false,
        });
        atEnd(() => client.disconnect());
        const player = {
          who,
          client,
          said: 0,
          got: [] as number[],
          answers: [] as unknown[],
          connects: [] as boolean[],
        };
        client.on("down", (n: number) => void player.got.push(n));
        client.on("connect", () => void player.connects.push(client.recovered));
        await once(client, "connect", PATIENCE_MS);
        return player;
      }),
    );
    const traffic = setInterval(() => {
      for (const player of players) {
        player.said += 1;
        const n = player.said;
        if (n % 5 === 0)
          player.client.emitWithAck("ask", n).then(
            (answer: unknown) => player.answers.push(answer),
            (error: Error) => player.answers.push(error),
          );
        else if (n % 7 === 0) player.client.emit("up", n, Buffer.from([1]));
        else player.client.emit("up", n);
      }
      for (const socket of here) {
        const { who } = socket.handshake.auth as { who: string };
        sent.set(who, (sent.get(who) ?? 0) + 1);
        socket.emit("down", sent.get(who));
      }
    }, 3);
    atEnd(() => clearInterval(traffic));
    const flowing = async (): Promise<void> => {
      const goals = players.map(
        ({ who, got }) => [got.length + 30, (handled.get(who)?.length ?? 0) + 30] as const,
      );
      const flows = (): boolean =>
        players.every(({ who, got }, at) => {
          const [down = 0, up = 0] = goals[at] ?? [];
          return got.length >= down && (handled.get(who)?.length ?? 0) >= up;
        });
      await until(flows, "events both ways", PATIENCE_MS);
    };

    await flowing();
    serve(1, 2);
    await nodes[0]?.io.close({ drain: { spreadMs: 100 } });
    await flowing();
    serve(2, 3);
    await nodes[1]?.io.close({ drain: { spreadMs: 100 } });
    await flowing();
    clearInterval(traffic);
    const isDone = (): boolean =>
      players.every(
        ({ who, said, got, answers }) =>
          (handled.get(who)?.at(-1) ?? 0) === said &&
          got.at(-1) === sent.get(who) &&
          answers.length === Math.floor(said / 5),
      );
    await until(isDone, "the last events", PATIENCE_MS).catch(() => {});

    const found = players.map(({ who, got, answers }) => ({ who, up: handled.get(who), down: got, answers }));
    const wanted = players.map(({ who, said }) => ({
      who,
      up: upTo(said),
      down: upTo(sent.get(who) ?? 0),
      answers: upTo(said).filter((n) => n % 5 === 0),
    }));
    expect(found).toEqual(wanted);
    // Each went away at least once, all of them from one of the two, and remained who it was.
    for (const { who, connects } of players) {
      expect([connects[0], connects.length > 1, connects.slice(1).every(Boolean)]).toEqual([
        false,
        true,
        true,
      ]);
      expect(ids.get(who)?.size).toBe(1);
    }
  },
  120_000,
);
