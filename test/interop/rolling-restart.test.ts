// Two servers behind a proxy are exchanged one after the other, while numbered events go both ways. Nobody misses one.
import { createServer, type Server as HttpServer, request } from "node:http";
import { type AddressInfo, connect } from "node:net";
import { Adapter, Server } from "@sockeye/server";
import { describe, expect, onTestFinished, test } from "vitest";
import { type ClientName, loadClient, optionsFor } from "../support/servers.js";
import { once, until } from "../support/wait.js";

type Terms = Parameters<Adapter["broadcast"]>;
type Kept = Parameters<Adapter["persistSession"]>[0];

/** What a real cluster keeps in Redis or its like: the events, and the sessions of who is away. */
class SharedLog {
  readonly events: { readonly data: Terms[0]["data"]; readonly rooms: ReadonlySet<string> }[] = [];
  readonly sessions = new Map<string, Kept>();
  readonly nodes = new Set<LogAdapter>();

  position(): string {
    return `epoch000.${this.events.length.toString(36)}`;
  }
}

class LogAdapter extends Adapter {
  readonly #log: SharedLog;

  constructor(nsp: ConstructorParameters<typeof Adapter>[0], log: SharedLog) {
    super(nsp);
    this.#log = log;
    log.nodes.add(this);
  }

  override close(): void {
    this.#log.nodes.delete(this);
  }

  override position(): string {
    return this.#log.position();
  }

  override broadcast(packet: Terms[0], options: Terms[1]): void {
    this.#log.events.push({ data: packet.data, rooms: options.rooms });
    const offset = this.#log.position();
    for (const node of this.#log.nodes) node.#deliver({ ...packet, offset }, options);
  }

  #deliver(packet: Terms[0], options: Terms[1]): void {
    super.broadcast(packet, options);
  }

  override persistSession(session: Kept): void {
    this.#log.sessions.set(session.pid, session);
  }

  override restoreSession(pid: string, offset: string | undefined): ReturnType<Adapter["restoreSession"]> {
    const session = this.#log.sessions.get(pid);
    this.#log.sessions.delete(pid);
    if (session === undefined) return Promise.resolve(null);
    const rooms = new Set([...session.rooms, session.sid]);
    const { events } = this.#log;
    const from = Number.parseInt((offset ?? session.since ?? "").slice("epoch000.".length), 36);
    return Promise.resolve({
      ...session,
      get missedPackets() {
        return events.flatMap((event, index) =>
          index >= from && [...event.rooms].some((room) => rooms.has(room))
            ? [[...event.data, `epoch000.${(index + 1).toString(36)}`] as Terms[0]["data"]]
            : [],
        );
      },
    });
  }
}

interface Node {
  readonly io: Server;
  readonly port: number;
}

/** Leads new clients to a server that is up, and those that it knows to theirs. */
async function startProxy(nodes: readonly Node[]): Promise<HttpServer> {
  const homes = new Map<string, number>();
  let turn = 0;
  const route = (url = ""): number => {
    const sid = new URL(url, "http://proxy").searchParams.get("sid");
    const home = nodes.find(({ io }) => sid !== null && sid in io.engine.clients)?.port;
    if (sid !== null && home !== undefined) homes.set(sid, home);
    const up = nodes.filter(({ io }) => io.health().status === "up");
    return homes.get(sid ?? "") ?? up[turn++ % up.length]?.port ?? 1;
  };
  const proxy = createServer((req, res) => {
    const { method, url, headers } = req;
    const target = { host: "127.0.0.1", port: route(url), method, path: url, headers };
    const out = request(target, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.pipe(res);
    });
    out.on("error", () => res.destroy());
    res.on("close", () => out.destroy());
    req.pipe(out);
  });
  proxy.on("upgrade", (req, socket, head) => {
    const wire = connect(route(req.url), "127.0.0.1");
    const lines = [`GET ${req.url} HTTP/1.1`];
    for (let at = 0; at < req.rawHeaders.length; at += 2)
      lines.push(`${req.rawHeaders[at]}: ${req.rawHeaders[at + 1]}`);
    wire.write(`${lines.join("\r\n")}\r\n\r\n`);
    wire.write(head);
    wire.pipe(socket).pipe(wire);
    wire.on("error", () => socket.destroy());
    socket.on("error", () => wire.destroy());
  });
  proxy.listen(0, "127.0.0.1");
  await once(proxy, "listening");
  return proxy;
}

const PEERS: readonly (readonly [ClientName, "websocket" | "polling"])[] = [
  ["sockeye", "websocket"],
  ["sockeye", "polling"],
  ["socket.io-client 4", "websocket"],
  ["socket.io-client 4", "polling"],
];

/** 1, 2, 3, … up to the last, each once. */
function isSequence(numbers: readonly number[], first = 1): boolean {
  return numbers.every((number, index) => number === first + index);
}

describe("a rolling restart of two servers", () => {
  test("loses no event of resumable clients, in either direction, and repeats none", async () => {
    const log = new SharedLog();
    const handled = new Map<string, number[]>();

    async function startNode(): Promise<Node> {
      const http = createServer();
      const io = new Server(http, {
        adapter: (nsp) => new LogAdapter(nsp, log),
        connectionStateRecovery: {},
        transports: ["websocket", "polling"],
      });
      io.on("connection", (socket) => {
        const { who } = socket.handshake.auth as { who: string };
        if (!socket.recovered) socket.join("readers");
        socket.on("up", (number: number, done: () => void) => {
          // The work takes its time, in which the server may begin to leave.
          setTimeout(() => {
            handled.set(who, [...(handled.get(who) ?? []), number]);
            done();
          }, 3);
        });
      });
      http.listen(0, "127.0.0.1");
      await once(http, "listening");
      onTestFinished(() => io.close());
      return { io, port: (http.address() as AddressInfo).port };
    }

    const nodes = [await startNode(), await startNode()];
    const proxy = await startProxy(nodes);
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    const { port } = proxy.address() as AddressInfo;

    // From the servers, by whichever is up.
    let sent = 0;
    const emit = (): void => {
      const up = nodes.filter(({ io }) => io.health().status === "up");
      up[sent % up.length]?.io.to("readers").emit("down", ++sent);
    };

    const peers = await Promise.all(
      PEERS.map(async ([name, way]) => {
        const { io } = await loadClient(name);
        const who = `${name}, ${way}`;
        const options = { ...optionsFor(way), auth: { who }, retries: 100, ackTimeout: 60_000 };
        const client = io(`http://127.0.0.1:${port}`, options);
        onTestFinished(() => void client.disconnect());
        const got: number[] = [];
        const lost: string[] = [];
        const joins: boolean[] = [];
        client.on("down", (number: number) => got.push(number));
        client.on("disconnect", (reason) => lost.push(reason));
        client.on("connect", () => joins.push(client.recovered));
        await once(client, "connect");
        return { who, client, got, lost, joins, asked: 0 };
      }),
    );

    const traffic = setInterval(() => {
      emit();
      for (const peer of peers) if (peer.asked < sent) peer.client.emit("up", ++peer.asked);
    }, 5);
    onTestFinished(() => clearInterval(traffic));
    const flowing = async (): Promise<void> => {
      const goal = sent + 20;
      await until(
        () =>
          peers.every(
            ({ who, got }) => (got.at(-1) ?? 0) >= goal && (handled.get(who)?.length ?? 0) >= goal - 20,
          ),
        "events both ways",
        60_000,
      );
    };

    await flowing();
    for (const index of [0, 1]) {
      await nodes[index]?.io.close({ drain: true });
      nodes[index] = await startNode();
      await flowing();
    }
    clearInterval(traffic);
    await until(
      () => peers.every(({ who, got, asked }) => got.at(-1) === sent && handled.get(who)?.at(-1) === asked),
      "the last events",
      60_000,
    );

    for (const { who, got, lost, joins, asked } of peers) {
      expect({ who, got: isSequence(got, got[0]), last: got.at(-1) }).toEqual({ who, got: true, last: sent });
      const numbers = handled.get(who) ?? [];
      expect({ who, handled: isSequence(numbers), last: numbers.at(-1) }).toEqual({
        who,
        handled: true,
        last: asked,
      });
      // Each went away at least once: all of them sat on one of the two servers.
      expect(lost.length).toBeGreaterThan(0);
      expect(joins).toEqual([false, ...lost.map(() => true)]);
    }
  }, 240_000);
});
