// Requests over a link whose connection is the bus: what arrives, what is lost with a message, and whom nobody answers.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Duplex } from "node:stream";
import { ClusterNode, type ManualClock, manualClock } from "@sockeye/conformance";
import { nativeClock } from "@sockeye/session";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { turn, until, within } from "../../../test/support/wait.js";
import { InternalListener } from "../src/forward/internal-listener.js";
import { BUS_LINK, BusLinks } from "../src/forward/link/bus-links.js";
import { Verifier } from "../src/forward/signature.js";
import type { LinkTarget } from "../src/forward/terms.js";
import { type MemoryBus, MemoryHub } from "../src/memory-bus.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Handle = (req: IncomingMessage, res: ServerResponse) => void;

/** An owner that answers by `handle`, and a node in front of it that passes all on over the bus. */
async function site(
  handle: Handle,
  {
    clock = nativeClock,
    speaks = true,
    connected,
  }: {
    clock?: ManualClock | typeof nativeClock;
    speaks?: boolean;
    /** What the owner does with connections. */
    connected?: (socket: Duplex) => void;
  } = {},
) {
  const hub = new MemoryHub({ clock });
  const buses: MemoryBus[] = [];
  const begin = (name: string, target: LinkTarget): { node: ClusterNode; links: BusLinks } => {
    const bus = hub.bus();
    buses.push(bus);
    const node = new ClusterNode({ bus, clock, name });
    const links = new BusLinks(node.cluster, target);
    node.cluster.join(node.cluster.topicsOf(), {
      event() {},
      asked: (_question, reply) => reply.none(),
      subscribed() {},
      act: (op, args, from) => {
        if (op === BUS_LINK && (speaks || name === "front")) links.told(args, from);
      },
      bus: (state) => {
        if (state === "down") links.broken();
      },
      missed: (from) => links.broken(from),
    });
    ends.push(() => node.stop());
    node.start();
    return { node, links };
  };
  const owner = begin("owner", { request: (req, res) => handle(req, res), ...(connected && { connected }) });
  const front = begin("front", { request: (_req, res) => void res.destroy() });
  await until(() => {
    if (clock !== nativeClock) (clock as ManualClock).advance(10);
    return [owner, front].every(({ node }) => node.seen === 2);
  }, "both nodes");
  const failures: boolean[] = [];
  const http = createServer((req, res) => {
    const failed = (intact: boolean): void => {
      failures.push(intact);
      res.writeHead(502).end();
    };
    const facts = { address: "9.9.9.9", corsAnswer: undefined };
    front.links.request({ req, res }, owner.node.cluster.id, { facts, failed });
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    http.close();
    http.closeAllConnections();
  });
  /** A connection to the owner, once there is one. */
  const connect = (): Promise<Duplex> =>
    new Promise((resolve, reject) => {
      const cut = (): void => reject(new Error("cut"));
      front.links.connect(owner.node.cluster.id, { run: resolve, cut });
    });
  return { port: (http.address() as AddressInfo).port, hub, buses, owner, front, failures, connect };
}

function ask(
  port: number,
  path: string,
  body: readonly Uint8Array[] = [],
): Promise<{ status: number; body: Buffer }> {
  return new Promise((resolve, reject) => {
    const req = request({ port, host: "127.0.0.1", method: "POST", path, agent: false }, (res) => {
      const parts: Buffer[] = [];
      res.on("data", (part: Buffer) => parts.push(part));
      res.on("error", reject);
      res.on("end", () => resolve({ status: res.statusCode ?? 0, body: Buffer.concat(parts) }));
    });
    req.on("error", reject);
    for (const part of body) req.write(part);
    req.end();
  });
}

/** Answers with what was asked. */
function echo(req: IncomingMessage, res: ServerResponse): void {
  const parts: Buffer[] = [];
  req.on("data", (part: Buffer) => parts.push(part));
  req.on("end", () => {
    res.writeHead(207);
    for (const part of parts) res.write(part);
    res.end();
  });
}

describe("what is passed on over the bus", () => {
  it("arrives whole, both ways, whatever its size, many at once, however often messages come", async () => {
    const { port, hub } = await site(echo);
    hub.faults = { duplicate: 0.2 };
    const piece = fc
      .tuple(fc.constantFrom(0, 1, 1000, 70_000, 300_000), fc.nat(255))
      .map(([length, value]) => new Uint8Array(length).fill(value));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { maxLength: 4 }), { minLength: 1, maxLength: 4 }),
        async (bodies) => {
          const answers = await Promise.all(bodies.map((parts, n) => ask(port, `/${n}`, parts)));
          answers.forEach(({ status, body }, n) => {
            expect([status, body.equals(Buffer.concat(bodies[n] ?? []))]).toEqual([207, true]);
          });
        },
      ),
      { numRuns: 8 },
    );
  });

  it("ends with the message that is lost, and the next request opens a new link", async () => {
    const held: ServerResponse[] = [];
    const { port, hub, buses, failures } = await site((req, res) => {
      if (req.url === "/held") held.push(res);
      else echo(req, res);
    });
    expect((await ask(port, "/", [])).status).toBe(207);
    const waiting = ask(port, "/held");
    await until(() => held.length === 1, "a request");
    const [owner, front] = buses as [MemoryBus, MemoryBus];
    let lost = 0;
    hub.struck = () => {
      lost += 1;
    };
    hub.cut(owner, front);
    held[0]?.write("lost");
    await until(() => lost > 0, "the loss");
    hub.heal();
    held[0]?.end("late");
    await expect(within(waiting, "its failure")).rejects.toThrow();
    expect(failures).toEqual([]);
    expect(await ask(port, "/again", [Buffer.from("x")])).toEqual({ status: 207, body: Buffer.from("x") });
  });

  it("ends when the bus goes down, at both ends", async () => {
    let held = 0;
    const { port, buses } = await site((_req, res) => {
      held += 1;
      res.once("close", () => {
        held -= 1;
      });
    });
    const waiting = ask(port, "/held");
    await until(() => held === 1, "a request");
    for (const bus of buses) bus.lose();
    await expect(within(waiting, "its failure")).rejects.toThrow(/hang up|reset/);
    // Nobody says of a session that it is unknown while nobody can be asked.
    await expect(within(ask(port, "/"), "the next failure")).rejects.toThrow(/hang up|reset/);
    await until(() => held === 0, "the end at the owner");
  });
});

it.each([
  ["cut", undefined],
  ["told", "told"],
])("what is for a node that answers nothing is %s after two seconds", async (how, unanswered) => {
  const clock = manualClock();
  const { front, owner } = await site(echo, { clock, speaks: false });
  const ends: [string, number][] = [];
  const end = (what: string) => (): void => void ends.push([what, clock.now()]);
  const from = clock.now();
  const errand = { run: end("run"), cut: end("cut"), unanswered: unanswered && end(unanswered) };
  front.links.connect(owner.node.cluster.id, errand as Parameters<BusLinks["connect"]>[1]);
  await until(() => {
    clock.advance(500);
    return ends.length > 0;
  }, "the end");
  expect(ends).toEqual([[how, from + 2000]]);
});

describe("a connection over the bus", () => {
  const mirror = (socket: Duplex): void => void socket.pipe(socket);

  /** Writes all, ends, and reads to the end. */
  async function talk(socket: Duplex, parts: readonly Uint8Array[]): Promise<Buffer> {
    for (const part of parts) socket.write(part);
    socket.end();
    const got: Buffer[] = [];
    for await (const part of socket) got.push(part as Buffer);
    return Buffer.concat(got);
  }

  it("carries all bytes both ways in order, many at once, however often messages come", async () => {
    const { connect, hub } = await site(echo, { connected: mirror });
    hub.faults = { duplicate: 0.2 };
    const piece = fc
      .tuple(fc.constantFrom(0, 1, 1000, 70_000, 300_000), fc.nat(255))
      .map(([length, value]) => new Uint8Array(length).fill(value));
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(piece, { maxLength: 4 }), { minLength: 1, maxLength: 8 }),
        async (talks) => {
          const got = await Promise.all(talks.map(async (parts) => talk(await connect(), parts)));
          got.forEach((bytes, n) => {
            expect(bytes.equals(Buffer.concat(talks[n] ?? []))).toBe(true);
          });
        },
      ),
      { numRuns: 8 },
    );
  });

  it.each(["owner", "front"])(
    "costs no more than its window if the %s does not read, and the others nothing",
    async (lazy) => {
      const owned: Duplex[] = [];
      const { connect } = await site(echo, {
        connected: (socket) => {
          if (owned.push(socket) > 1) mirror(socket);
        },
      });
      const near = await connect();
      await until(() => owned.length === 1, "the connection");
      const [writer, reader] = lazy === "owner" ? [near, owned[0] as Duplex] : [owned[0] as Duplex, near];
      let written = 0;
      const more = (): void => {
        for (let goesOn = true; goesOn; written += 1000) goesOn = writer.write(Buffer.alloc(1000));
      };
      writer.on("drain", more);
      more();
      reader.pause();
      for (let last = -1; last !== written; ) {
        last = written;
        for (let n = 0; n < 5; n++)
          expect(`${await talk(await connect(), [Buffer.from("quick")])}`).toBe("quick");
      }
      // What is under way, and what Node keeps at each end.
      expect(written).toBeLessThan(131_072 + 3 * 65_536);
      reader.resume();
      const before = written;
      await until(() => written > before + 500_000, "it to go on");
    },
  );

  it("puts no more than 1 MiB on the bus for a node that stands still, and ends after ten seconds", async () => {
    const clock = manualClock();
    const owned: Duplex[] = [];
    const { connect, buses } = await site(echo, {
      clock,
      connected: (socket) => void owned.push(socket),
    });
    const turns = async (done: () => boolean, what: string, ms = 0): Promise<void> =>
      until(() => {
        clock.advance(ms);
        return done();
      }, what);
    const sockets: Duplex[] = [];
    for (let n = 0; n < 20; n++) void connect().then((socket) => sockets.push(socket));
    await turns(() => owned.length === 20, "the connections");
    const [owner, front] = buses as [MemoryBus, MemoryBus];
    let sent = 0;
    const { publish } = front;
    front.publish = (topic, bytes) => {
      sent += bytes.length;
      publish.call(front, topic, bytes);
    };
    owner.freeze();
    for (const socket of sockets) socket.write(Buffer.alloc(131_072));
    await turns(() => sent > 1_000_000, "what may be sent");
    for (let n = 0; n < 10; n++) await turn().then(() => clock.advance(1));
    expect(sent).toBeLessThan(1_100_000);
    const from = clock.now();
    await turns(() => sockets.every(({ closed }) => closed), "the end", 100);
    expect(clock.now() - from).toBeLessThan(11_000);
    owner.thaw();
    await turns(() => owned.every(({ closed }) => closed), "the end at the owner", 1);
  });

  it("ends at both ends with the message that is lost", async () => {
    const owned: Duplex[] = [];
    const { connect, hub, buses } = await site(echo, {
      connected: (socket) => void owned.push(socket.resume()),
    });
    const near = await connect();
    near.resume();
    await until(() => owned.length === 1, "the connection");
    const [owner, front] = buses as [MemoryBus, MemoryBus];
    let lost = 0;
    hub.struck = () => {
      lost += 1;
    };
    hub.cut(front, owner);
    near.write("lost");
    await until(() => lost > 0, "the loss");
    hub.heal();
    near.write("late");
    await until(() => near.closed && owned[0]?.closed === true, "the end");
    expect(`${await talk(await connect(), [])}`).toBe("");
  });

  it.each([
    ["a request to upgrade that is not signed", "Connection: Upgrade\r\nUpgrade: websocket\r\n"],
    ["a request that is not signed", ""],
    ["one for a link", "Connection: Upgrade\r\nUpgrade: sockeye-link\r\n"],
  ])("gets nothing for %s", async (_what, headers) => {
    const key = new Verifier(Buffer.from("k"), () => true);
    const taken: unknown[] = [];
    const listener = new InternalListener({
      requests: key,
      links: key,
      isMember: () => true,
      target: { request: (...args) => void taken.push(args), upgrade: (...args) => void taken.push(args) },
    });
    ends.push(() => listener.close());
    const { connect } = await site(echo, { connected: (socket) => listener.connected(socket) });
    const near = await connect();
    near.write(`GET /socket.io/ HTTP/1.1\r\nHost: x\r\n${headers}\r\n`);
    const got: unknown[] = [];
    near.on("data", (part) => got.push(part));
    await until(() => near.closed, "its end");
    expect([got, taken]).toEqual([[], []]);
  });

  it("is refused by a node that takes none", async () => {
    const { connect } = await site(echo);
    const near = await connect();
    near.resume();
    await until(() => near.closed, "the refusal");
  });
});

it.each([[[]], [["open"]], [["open", -1]], [["nonsense", 1]], [["asker had", 1]], [["answerer had", 1, -1]]])(
  "%j is no word of a link",
  async (words) => {
    const { owner, front } = await site(echo);
    front.node.cluster.tell(owner.node.cluster.id, BUS_LINK, words);
    await until(() => owner.node.failures.length === 1, "the refusal");
    expect(owner.node.failures.splice(0)).toMatchObject([{ code: "ERR_CLUSTER_INPUT" }]);
  },
);

it("who is no node is not answered", async () => {
  const { owner, buses } = await site(echo);
  const said: string[] = [];
  const { publish } = buses[0] as MemoryBus;
  (buses[0] as MemoryBus).publish = (topic, bytes) => {
    said.push(topic);
    publish.call(buses[0], topic, bytes);
  };
  owner.links.told(["open", 1], "stranger");
  owner.links.told(["asks", 1, 1, Buffer.from("x")], "stranger");
  owner.node.cluster.tell("the end", "x", []);
  await until(() => said.some((topic) => topic.endsWith("@the end")), "what comes after");
  expect(said.filter((topic) => topic.endsWith("@stranger"))).toEqual([]);
});
