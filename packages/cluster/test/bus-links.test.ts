// Requests over a link whose connection is the bus: what arrives, what is lost with a message, and whom nobody answers.
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { ClusterNode, type ManualClock, manualClock } from "@sockeye/conformance";
import { nativeClock } from "@sockeye/session";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import { until, within } from "../../../test/support/wait.js";
import { BUS_LINK, BusLinks } from "../src/forward/link/bus-links.js";
import type { ForwardTarget } from "../src/forward/terms.js";
import { type MemoryBus, MemoryHub } from "../src/memory-bus.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

type Handle = (req: IncomingMessage, res: ServerResponse) => void;

/** An owner that answers by `handle`, and a node in front of it that passes all on over the bus. */
async function site(
  handle: Handle,
  { clock = nativeClock, speaks = true }: { clock?: ManualClock | typeof nativeClock; speaks?: boolean } = {},
) {
  const hub = new MemoryHub({ clock });
  const buses: MemoryBus[] = [];
  const begin = (name: string, target: ForwardTarget): { node: ClusterNode; links: BusLinks } => {
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
  const refuse = {
    request: (_req: IncomingMessage, res: ServerResponse) => void res.destroy(),
    upgrade() {},
  };
  const owner = begin("owner", { ...refuse, request: (req, res) => handle(req, res) });
  const front = begin("front", refuse);
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
  return { port: (http.address() as AddressInfo).port, hub, buses, owner, front, failures };
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

it("a node that answers nothing is given two seconds, and nothing of the request was read", async () => {
  const clock = manualClock();
  const { port, failures } = await site(echo, { clock, speaks: false });
  const waiting = ask(port, "/", [Buffer.from("x")]);
  let isOver = false;
  waiting.then(() => {
    isOver = true;
  });
  await until(() => {
    clock.advance(500);
    return isOver;
  }, "the failure");
  expect([(await waiting).status, failures]).toEqual([502, [true]]);
});

it.each([[[]], [["open"]], [["open", -1]], [["nonsense", 1]]])("%j is no word of a link", async (words) => {
  const { owner, front } = await site(echo);
  front.node.cluster.tell(owner.node.cluster.id, BUS_LINK, words);
  await until(() => owner.node.failures.length === 1, "the refusal");
  expect(owner.node.failures.splice(0)).toMatchObject([{ code: "ERR_CLUSTER_INPUT" }]);
});

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
