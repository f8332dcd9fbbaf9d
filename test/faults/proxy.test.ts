import { createServer as createHttpServer, request } from "node:http";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { once, until } from "../support/wait.js";
import { type Blow, FAULTS, type Fate, type Outage, type Repeat, Schedule } from "./plan.js";
import { FaultProxy } from "./proxy.js";
import { RequestReader } from "./requests.js";

// The injector does what it says, and what a seed says is always the same.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

/** A server that keeps what it gets, and a proxy before it. */
async function stage(
  blows: readonly Blow[],
  outage?: Outage,
): Promise<{ near: Socket; far: Socket; sent: Wire; heard: Wire }> {
  const server = createServer({ allowHalfOpen: true });
  const port = await listen(server);
  const proxy = await through(port, {
    plan: () => ({ blows, repeat: () => undefined }),
    outage: (_slot, client) => (client === undefined ? undefined : outage),
  });
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  const near = connect({ port: proxy.port, host: "127.0.0.1", allowHalfOpen: true });
  ends.push(() => near.destroy());
  const far = await accepted;
  return { near, far, sent: wire(far), heard: wire(near) };
}

/** What is due at once has been done: timers fire in their order. */
function afterItsTimers(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 20));
}

interface Wire {
  text: string;
  ended: boolean;
  /** The code of an error, if there was one. */
  error: string;
  closed: boolean;
}

function wire(socket: Socket): Wire {
  const seen = { text: "", ended: false, error: "", closed: false };
  socket.on("data", (chunk: Buffer) => {
    seen.text += chunk.toString();
  });
  socket.on("end", () => {
    seen.ended = true;
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    seen.error = error.code ?? error.message;
  });
  socket.on("close", () => {
    seen.closed = true;
  });
  return seen;
}

async function listen(server: Server): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

async function through(port: number, fate: Fate): Promise<FaultProxy> {
  const proxy = await FaultProxy.start(port, fate, 0, () => 0);
  ends.push(() => proxy.stop());
  return proxy;
}

describe("the proxy", () => {
  it("passes everything on, both ways, and each end", async () => {
    const { near, far, sent, heard } = await stage([]);
    near.end("up");
    await until(() => sent.ended, "the end of the client's half");
    far.end("down");
    await until(() => heard.ended, "the end of the server's half");
    expect([sent.text, heard.text, sent.error, heard.error]).toEqual(["up", "down", "", ""]);
  });

  it.each(["fin", "rst"] as const)("cuts with a %s", async (how) => {
    const { sent, heard } = await stage([{ kind: "cut", atMs: 10, how }]);
    const told = (one: Wire): boolean => (how === "fin" ? one.ended : one.error === "ECONNRESET");
    await until(() => told(sent) && told(heard), how);
  });

  it("closes one half, and the other goes on", async () => {
    const { far, sent, heard } = await stage([{ kind: "half-close", atMs: 10, way: "up" }]);
    await until(() => sent.ended, "the end of the client's half");
    far.write("still here");
    await until(() => heard.text === "still here", "the other half");
  });

  it("freezes and thaws: late, and whole", async () => {
    const begun = performance.now();
    const { near, sent } = await stage([{ kind: "freeze", atMs: 0, forMs: 300, ends: "thaw" }]);
    await afterItsTimers();
    near.write("one");
    near.write("two");
    await until(() => sent.text === "onetwo", "what was held back");
    expect(performance.now() - begun).toBeGreaterThan(290);
  });

  it("freezes and cuts: what was held back is lost", async () => {
    const { near, sent } = await stage([{ kind: "freeze", atMs: 0, forMs: 100, ends: "rst" }]);
    await afterItsTimers();
    near.write("lost");
    await until(() => sent.closed, "the cut");
    expect(sent.text).toBe("");
  });

  it("passes a part of a chunk, and then nothing", async () => {
    const { near, sent, heard } = await stage([
      { kind: "truncate", atMs: 0, way: "up", share: 0.5, how: "fin" },
    ]);
    await afterItsTimers();
    near.write("0123456789");
    near.write("more");
    await until(() => sent.ended && heard.ended, "the cut");
    expect("01234567890123456789more".startsWith(sent.text)).toBe(true);
    expect([5, 7]).toContain(sent.text.length);
  });

  it("lets nothing through in an outage", async () => {
    const begun = performance.now();
    const { near, sent } = await stage([], { atMs: 0, forMs: 300, manner: "swallow" });
    await afterItsTimers();
    near.write("late");
    await until(() => sent.text === "late", "the end of the outage");
    expect(performance.now() - begun).toBeGreaterThan(290);
  });
});

describe("a request that is repeated", () => {
  const ANSWERS: readonly (readonly [Repeat["answer"], string])[] = [
    ["first", "1: hello"],
    ["second", "2: hello"],
  ];

  it.each(ANSWERS)(
    "reaches the server twice, and the client gets the %s answer",
    async (answer, expected) => {
      const bodies: string[] = [];
      const server = createHttpServer((req, res) => {
        let body = "";
        req.on("data", (chunk: Buffer) => {
          body += chunk.toString();
        });
        req.on("end", () => {
          bodies.push(body);
          res.end(`${bodies.length}: ${body}`);
        });
      });
      const repeat = (request: number): Repeat | undefined =>
        request === 0 ? { answer, afterMs: 0 } : undefined;
      const proxy = await through(await listen(server), {
        plan: () => ({ blows: [], repeat }),
        outage: () => undefined,
      });
      const text = await new Promise<string>((resolve, reject) => {
        const asked = request(
          { port: proxy.port, host: "127.0.0.1", method: "POST", agent: false },
          (res) => {
            let all = "";
            res.on("data", (chunk: Buffer) => {
              all += chunk.toString();
            });
            res.on("end", () => resolve(all));
          },
        );
        asked.on("error", reject);
        asked.setHeader("content-length", 5);
        asked.end("hello");
      });
      await until(() => bodies.length === 2, "the repetition");
      expect([text, ...bodies]).toEqual([expected, "hello", "hello"]);
    },
  );

  it("is known from the next, cut anywhere", () => {
    const requests = [
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\n",
      "POST /b HTTP/1.1\r\nContent-Length: 4\r\n\r\n\r\n\r\n",
      "GET /c HTTP/1.1\r\n\r\n",
    ];
    const whole = Buffer.from(requests.join(""));
    for (let size = 1; size <= whole.length; size++) {
      const read: string[] = [];
      const reader = new RequestReader((index, raw) => {
        expect(index).toBe(read.length);
        read.push(raw.toString());
      });
      for (let at = 0; at < whole.length; at += size) reader.write(whole.subarray(at, at + size));
      expect(read).toEqual(requests);
    }
  });

  it("is not looked for behind an upgrade", () => {
    const read: number[] = [];
    const reader = new RequestReader((index) => read.push(index));
    reader.write(Buffer.from("GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\nGET / HTTP/1.1\r\n\r\n"));
    expect(read).toEqual([]);
  });
});

describe("a schedule", () => {
  const drawn = (seed: number): unknown[] =>
    Array.from({ length: 500 }, (_, n) => [
      new Schedule(seed).plan(n % 20, n).blows,
      new Schedule(seed).plan(n % 20, n).repeat(n % 3),
      new Schedule(seed).outage(n, n % 20),
      new Schedule(seed).outage(n),
    ]);

  it("is that of its seed", () => {
    expect(drawn(7)).toEqual(drawn(7));
    expect(drawn(7)).not.toEqual(drawn(8));
  });

  it("has every fault, and of some faults no other", () => {
    const schedule = new Schedule(3);
    const plans = Array.from({ length: 500 }, (_, n) => schedule.plan(0, n));
    const blows = plans.flatMap((plan) => plan.blows.map(({ kind }) => kind));
    expect(new Set([...blows, "repeat", "outage"])).toEqual(new Set(FAULTS));
    const answers = new Set(plans.map(({ repeat }) => repeat(2)?.answer));
    expect(answers).toEqual(new Set(["first", "second", undefined]));
    const only = new Schedule(3, new Set(["delay"]));
    const kinds = plans.flatMap((_, n) => only.plan(0, n).blows.map(({ kind }) => kind));
    expect(new Set(kinds)).toEqual(new Set(["delay"]));
    expect(only.outage(1)).toBeUndefined();
  });
});
