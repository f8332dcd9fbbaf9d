import { type Located, There } from "@sockeye/transport/server";
import { describe, expect, it, vi } from "vitest";
import { type GateServer, gateServer } from "./gate-server.js";
import { type Answer, ask, clientFrame, RawConnection, upgradeRequest } from "./raw-client.js";

// "Whose is this session?" may be answered late, for every kind of request.

const POLL = "/engine.io/?EIO=4&transport=polling&sid=sid-1";
const UPGRADE = "/engine.io/?EIO=4&transport=websocket&sid=sid-1";
const CLAIM = '0{"sid":"sid-1","secret":"s","received":0}';
const UNKNOWN = '{"code":1,"message":"Session ID unknown"}';

interface Scene extends GateServer {
  /** Ids that were asked about and have no answer yet. */
  readonly asked: string[];
  answer(located?: Located | Error): void;
}

/** With one session, whose whereabouts are told when a test says so. */
async function scene(options: Parameters<typeof gateServer>[0] = {}): Promise<Scene> {
  const server = await gateServer(options);
  await ask(server.port, { target: "/engine.io/?EIO=4&transport=polling" });
  const asked: string[] = [];
  const waiting: ((located: Located | Error) => void)[] = [];
  server.acceptor.locate = (sid) => {
    asked.push(sid);
    return new Promise((resolve, reject) => {
      waiting.push((located) => (located instanceof Error ? reject(located) : resolve(located)));
    });
  };
  const answer = (located?: Located | Error): void => {
    for (const tell of waiting.splice(0)) tell(located);
    asked.length = 0;
  };
  return { ...server, asked, answer };
}

/** A kind of request, what it gets if the session is here, and if it is nobody's. */
interface Kind {
  start(scene: Scene): Promise<string>;
  readonly here: RegExp;
  readonly nowhere: RegExp;
}

function text(answer: Promise<Answer>): Promise<string> {
  return answer.then(({ status, body }) => `${status} ${body}`);
}

async function upgrade({ port }: Scene, target: string, frame: Buffer): Promise<string> {
  const connection = RawConnection.to(port).write(upgradeRequest(target)).write(frame);
  await Promise.race([connection.over, connection.until('"again"'), connection.until("101 Switching")]);
  const { received } = connection;
  connection.reset();
  return received;
}

const KINDS: Record<string, Kind> = {
  "a poll": {
    start: ({ port }) => text(ask(port, { target: POLL })),
    here: /^200 4hello$/,
    nowhere: /^400 .*Session ID unknown/,
  },
  "a POST": {
    start: ({ port }) => text(ask(port, { method: "POST", target: POLL, body: "4hi" })),
    here: /^200 ok$/,
    nowhere: /^400 .*Session ID unknown/,
  },
  "an upgrade": {
    start: (to) => upgrade(to, UPGRADE, clientFrame(0x81, Buffer.from("2probe"))),
    here: /^HTTP\/1.1 101 /,
    nowhere: /^HTTP\/1.1 400 [\s\S]*Session ID unknown/,
  },
  "a claim in a body": {
    start: ({ port }) => text(ask(port, { method: "POST", target: `${POLL}&resume=claim`, body: CLAIM })),
    here: /^200 ok$/,
    nowhere: /^400 .*Session ID unknown/,
  },
  "a claim in a frame": {
    start: (to) => upgrade(to, `${UPGRADE}&resume=claim`, clientFrame(0x81, Buffer.from(CLAIM))),
    here: /^HTTP\/1.1 101 /,
    nowhere: /^HTTP\/1.1 101 /,
  },
};

const kinds = Object.entries(KINDS);

async function held(it: Scene): Promise<void> {
  await vi.waitFor(() => expect(it.asked).toEqual(["sid-1"]));
}

describe("a session whose whereabouts are told late", () => {
  it.each(kinds)("%s of one that is here goes to it", async (_kind, { start, here }) => {
    const it = await scene();
    const got = start(it);
    await held(it);
    it.answer(it.acceptor.session("sid-1"));
    if (here.source.includes("hello")) {
      await vi.waitFor(() => expect(it.acceptor.session("sid-1").transport.writable).toBe(true));
      it.acceptor.session("sid-1").send("4hello");
    }
    expect(await got).toMatch(here);
  });

  it.each(
    kinds.flatMap(([name, kind]) =>
      [undefined, new There("b"), new Error("the bus is down")].map(
        (located) => [name, located, kind] as const,
      ),
    ),
  )("%s is refused if the answer is %o", async (_kind, located, { start, nowhere }) => {
    const it = await scene();
    // What is claimed is looked at once more, when the claim is there.
    it.acceptor.agrees = () => false;
    const got = start(it);
    await held(it);
    it.answer(located);
    expect(await got).toMatch(nowhere);
    await vi.waitFor(() => expect(it.acceptor.refusals.map(({ code }) => code)).toEqual([1]));
  });

  it.each(kinds)("%s goes to the node that has it, untouched", async (_kind, { start }) => {
    const it = await scene();
    const forwarded: string[] = [];
    it.acceptor.forward = (request, node) => {
      forwarded.push(`${request.kind} to ${node}, read: ${request.req.readableDidRead}`);
      if (request.kind === "request") request.res.writeHead(200).end("from b");
      else request.socket.end("from b");
    };
    const got = start(it);
    await held(it);
    it.answer(new There("b"));
    expect(await got).toMatch(/from b$/);
    expect(forwarded).toEqual([expect.stringMatching(/^(request|upgrade) to b, read: false$/)]);
    expect(it.acceptor.refusals).toEqual([]);
  });

  it.each(kinds)("%s is turned away when the gate closes meanwhile", async (_kind, { start }) => {
    const it = await scene();
    const got = start(it);
    await held(it);
    it.gate.close();
    expect(await got).toMatch(/503/);
    it.answer(it.acceptor.session("sid-1"));
  });

  it.each(kinds)("%s is refused if no answer comes in time", async (_kind, { start, nowhere }) => {
    const it = await scene({ upgradeTimeout: 500 });
    it.acceptor.agrees = () => false;
    const got = start(it);
    await held(it);
    it.clock.advance(500);
    expect(await got).toMatch(nowhere);
  });

  it.each([
    ["a poll", `GET ${POLL} HTTP/1.1\r\nHost: a\r\n\r\n`],
    ["a POST", `POST ${POLL} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\n4`],
    ["an upgrade", upgradeRequest(UPGRADE)],
    ["a claim in a frame", upgradeRequest(`${UPGRADE}&resume=claim`)],
  ])("%s that breaks off meanwhile is forgotten", async (_kind, request) => {
    const it = await scene();
    const before = new Set(it.connections);
    const connection = RawConnection.to(it.port).write(request);
    await held(it);
    connection.reset();
    await vi.waitFor(() => expect([...it.connections].filter((each) => !before.has(each))).toEqual([]));
    it.answer(it.acceptor.session("sid-1"));
    await new Promise((resolve) => setImmediate(resolve));
    const session = it.acceptor.session("sid-1");
    expect([session.frames, session.endings, session.candidate, it.acceptor.refusals]).toEqual([
      [],
      [],
      undefined,
      [],
    ]);
  });

  it("counts as held open: the eldest is cut if there are too many", async () => {
    const it = await scene({
      limits: { maxMessageBytes: 1000, maxPacketsPerPayload: 10, maxPending: 2 },
    });
    const first = RawConnection.to(it.port).write(`GET ${POLL} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await held(it);
    const others = [RawConnection.to(it.port), RawConnection.to(it.port)];
    for (const other of others) other.write(`GET ${POLL} HTTP/1.1\r\nHost: a\r\n\r\n`);
    await first.over;
    expect(first.received).toBe("");
    it.answer();
    await Promise.all(others.map((other) => other.until(UNKNOWN)));
  });

  it("is not asked about where nothing names it, and at once where it is here", async () => {
    const it = await scene();
    await ask(it.port, { target: "/engine.io/?EIO=4&transport=polling" });
    expect(it.asked).toEqual([]);
    it.acceptor.locate = (sid) => it.acceptor.find(sid);
    expect(await text(ask(it.port, { method: "POST", target: POLL, body: "4hi" }))).toBe("200 ok");
  });
});
