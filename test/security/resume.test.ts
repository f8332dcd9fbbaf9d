import { subscribe, unsubscribe } from "node:diagnostics_channel";
import { request } from "node:http";
import { inspect } from "node:util";
import type { Socket } from "socket.io";
import { describe, expect } from "vitest";
import { attack, type Scene, SUBJECT, timed } from "../support/attack.js";
import { ask, CountedClient, claimOf, type RawTransport } from "../support/counted.js";
import { openWire } from "../support/rawsocket.js";
import { once, turn, until } from "../support/wait.js";

// Who claims a session that is not his, or his own in a wrong way. Stock servers have no such thing.

const WAYS = ["websocket", "polling", "sse", "stream", "iframe"] as const;
type Way = (typeof WAYS)[number];

/** A session as the server sees it. */
interface Half {
  readonly client: CountedClient;
  readonly socket: Socket;
}

async function enter({ io, port }: Scene, transport: RawTransport = "websocket"): Promise<Half> {
  const connected = once(io, "connection");
  const client = await CountedClient.open(port, transport);
  await client.send("0");
  const [socket] = (await connected) as [Socket];
  await client.received(1);
  return { client, socket };
}

async function suspend({ client, socket }: Half): Promise<void> {
  client.cut();
  await until(() => isSuspended(socket), "the session to be suspended");
}

function isSuspended({ conn }: Socket): boolean {
  return (conn as unknown as { suspended: boolean }).suspended;
}

/** Everything that a peer can see of the answer to a claim. */
async function answerTo(
  port: number,
  { way, sid, body }: { way: Way; sid: string; body: string },
): Promise<unknown> {
  const query = `EIO=4&transport=${way}&sid=${encodeURIComponent(sid)}&resume=claim`;
  if (way === "websocket") {
    const wire = await openWire(port, query);
    wire.send(body);
    const first = await wire.next();
    return { first, closed: await wire.closed };
  }
  return new Promise((resolve, reject) => {
    const req = request({
      port,
      host: "127.0.0.1",
      method: "POST",
      path: `/socket.io/?${query}`,
      agent: false,
    });
    req.on("error", reject);
    req.on("response", (res) => {
      let text = "";
      res.on("data", (chunk) => {
        text += chunk;
      });
      const { date: _date, ...headers } = res.headers;
      res.on("end", () => resolve({ status: res.statusCode, headers, text }));
    });
    req.end(body);
  });
}

/** Claims that are no good, of a session that waits for its client or is open. */
const BAD: readonly (readonly [
  what: string,
  claim: (half: Half, other: Half) => { sid?: string; body: string },
])[] = [
  ["a wrong secret", ({ client }) => ({ body: claimOf(client.sid, "A".repeat(22), client.messages.length) })],
  ["no secret", ({ client }) => ({ body: claimOf(client.sid, "", client.messages.length) })],
  [
    "its own id as the secret",
    ({ client }) => ({ body: claimOf(client.sid, client.sid, client.messages.length) }),
  ],
  [
    "the secret with one more character",
    ({ client }) => ({ body: claimOf(client.sid, `${client.secret}A`, client.messages.length) }),
  ],
  [
    "somebody else's session and one's own secret",
    ({ client }, other) => ({ body: claimOf(client.sid, other.client.secret, client.messages.length) }),
  ],
  [
    "an id in the address and another in the claim",
    ({ client }, other) => ({ sid: client.sid, body: claimOf(other.client.sid, other.client.secret, 1) }),
  ],
  ["a count from the future", ({ client }) => ({ body: claimOf(client.sid, client.secret, 2 ** 40) })],
  ["a count below what was acknowledged", ({ client }) => ({ body: claimOf(client.sid, client.secret, 0) })],
  ["a count that is none", ({ client }) => ({ body: claimOf(client.sid, client.secret, "1") })],
  ["a count of -1", ({ client }) => ({ body: claimOf(client.sid, client.secret, -1) })],
  ["no JSON", () => ({ body: "0{" })],
  ["JSON of 100,000 levels", () => ({ body: `0${'{"a":'.repeat(100_000)}` })],
  [
    "a prototype",
    ({ client }) => ({
      body: `0{"sid":"${client.sid}","__proto__":{"secret":"${client.secret}","received":1}}`,
    }),
  ],
  ["a message", ({ client }) => ({ body: `4${claimOf(client.sid, client.secret, 1)}` })],
  [
    "two claims",
    ({ client }) => ({
      body: Array(2)
        .fill(claimOf(client.sid, "x", 1))
        .join("\x1e"),
    }),
  ],
];

const isSockeye = SUBJECT === "sockeye";

describe.skipIf(!isSockeye)("claims that are refused", () => {
  for (const way of WAYS) {
    attack(
      `by ${way} all get the answer of a session that does not exist, and change nothing`,
      async (scene) => {
        const { port } = scene;
        const unknown = await answerTo(port, {
          way,
          sid: "A".repeat(20),
          body: claimOf("A".repeat(20), "A".repeat(22), 1),
        });
        const other = await enter(scene);
        for (const state of ["open", "suspended"]) {
          const half = await enter(scene);
          half.socket.emit("one");
          await half.client.received(2);
          await half.client.tellCount();
          await roundTrip(half);
          if (state === "suspended") await suspend(half);
          const { transport } = half.socket.conn;
          const before = { sid: half.client.sid, secret: half.client.secret };
          for (const [what, claim] of BAD) {
            const { sid = half.client.sid, body } = claim(half, other);
            const answer = await answerTo(port, { way, sid, body });
            expect({ what, state, answer: same(answer) }).toEqual({ what, state, answer: same(unknown) });
          }
          expect(half.socket.connected).toBe(true);
          expect(half.socket.conn.transport).toBe(transport);
          expect(isSuspended(half.socket)).toBe(state === "suspended");
          // The client itself gets in, and what was sent meanwhile arrives once.
          half.socket.emit("two");
          expect((await half.client.claim("websocket")).status).toBe(101);
          expect(half.client.sid).toBe(before.sid);
          expect(half.client.secret).not.toBe(before.secret);
          expect((await half.client.received(3)).slice(1)).toEqual(['2["one"]', '2["two"]']);
          half.client.cut();
        }
        other.client.cut();
      },
    );
  }

  attack("are those for a session that does not count, that has ended, or ends", async (scene) => {
    const { port, io } = scene;
    const unknown = same(await answerTo(port, { way: "polling", sid: "x", body: claimOf("x", "y", 0) }));
    const connected = once(io, "connection");
    const stock = await openWire(port);
    const { sid } = JSON.parse(String(await stock.next()).slice(1)) as { sid: string };
    stock.send("40");
    const [socket] = (await connected) as [Socket];
    expect(
      same(await answerTo(port, { way: "polling", sid, body: claimOf(sid, "A".repeat(22), 0) })),
    ).toEqual(unknown);
    expect(socket.connected).toBe(true);
    stock.end();
    const half = await enter(scene, "polling");
    const { client } = half;
    const body = claimOf(client.sid, client.secret, 1);
    // Its GET is gone, so the end cannot be told yet.
    half.socket.emit("waits");
    half.socket.disconnect(true);
    expect(same(await answerTo(port, { way: "polling", sid: client.sid, body }))).toEqual(unknown);
    expect(same(await answerTo(port, { way: "polling", sid: client.sid, body }))).toEqual(unknown);
    client.cut();
  });

  attack("are those with a secret that has been followed by another", async (scene) => {
    const half = await enter(scene);
    const { client } = half;
    const stale = claimOf(client.sid, client.secret, client.messages.length);
    await suspend(half);
    expect((await client.claim("websocket")).status).toBe(101);
    await roundTrip(half);
    const unknown = same(
      await answerTo(scene.port, { way: "polling", sid: "x", body: claimOf("x", "y", 0) }),
    );
    // Replayed, as it was.
    for (const state of ["open", "suspended"]) {
      expect(same(await answerTo(scene.port, { way: "polling", sid: client.sid, body: stale }))).toEqual(
        unknown,
      );
      expect(isSuspended(half.socket)).toBe(state === "suspended");
      if (state === "open") await suspend(half);
    }
    expect((await client.claim("websocket")).status).toBe(101);
    await roundTrip(half);
    client.cut();
  });

  attack("as often as they come cost others nothing", async (scene) => {
    const half = await enter(scene);
    const claims = Array.from({ length: 500 }, (_, n) =>
      answerTo(scene.port, {
        way: n % 2 === 0 ? "polling" : "websocket",
        sid: half.client.sid,
        body: claimOf(half.client.sid, `${n}`.padStart(22, "A"), 1),
      }),
    );
    expect(await timed(() => scene.roundTrip())).toBeLessThan(5000);
    const answers = new Set((await Promise.all(claims)).map((answer) => JSON.stringify(answer)));
    expect(answers.size).toBe(2);
    await roundTrip(half);
    half.client.cut();
  });
});

describe.skipIf(!isSockeye)("a claim", () => {
  attack(
    "that never comes is not waited for",
    async ({ port }) => {
      const wire = await openWire(port, "EIO=4&transport=websocket&sid=x&resume=claim");
      expect(await wire.next()).toBe("1");
      expect(await wire.closed).toBe(1005);
    },
    { upgradeTimeout: 200 },
  );

  attack("that comes twice does no harm", async (scene) => {
    const half = await enter(scene, "polling");
    const { client } = half;
    await suspend(half);
    half.socket.emit("one");
    const body = claimOf(client.sid, client.secret, client.messages.length);
    const path = `EIO=4&transport=polling&sid=${client.sid}&resume=claim&n=${client.number}`;
    // A proxy has sent it again; the answer to the first was lost.
    expect((await ask({ port: scene.port, path, body })).status).toBe(200);
    expect((await client.claim("polling")).status).toBe(200);
    expect((await client.received(2))[1]).toBe('2["one"]');
    await roundTrip(half);
    client.cut();
  });

  attack("takes the session from a pipe that is half dead", async (scene) => {
    const half = await enter(scene);
    const { client, socket } = half;
    // The server has not noticed, and goes on writing.
    socket.emit("lost on its way");
    await client.received(2);
    client.messages.length = 1;
    expect((await client.claim("sse")).status).toBe(200);
    expect((await client.received(2))[1]).toBe('2["lost on its way"]');
    expect(socket.conn.transport.name).toBe("sse");
    await until(() => client.closeCode !== undefined, "the end of the old pipe");
    expect(client.closeCode).toBe(4001);
    await roundTrip(half);
    client.cut();
  });
});

describe.skipIf(!isSockeye)("requests of a session that is counted", () => {
  attack(
    "that come again, too late, or under another number are refused, and bring nothing twice",
    async (scene) => {
      const half = await enter(scene, "polling");
      const { client } = half;
      const at = `EIO=4&transport=polling&sid=${client.sid}`;
      const post = (n: string, body: string) => ask({ port: scene.port, path: `${at}&n=${n}`, body });
      const heard: string[] = [];
      half.socket.onAny((event) => heard.push(event));
      expect(await post("1", '42["again"]')).toMatchObject({ status: 200, body: "ok" });
      expect(heard).toEqual([]);
      for (const n of ["999", "-1", "1.5", "0x2", "", "2&n=2", "9".repeat(20)]) {
        expect((await post(n, '42["other"]')).status).toBe(400);
        await until(() => isSuspended(half.socket), "the loss");
        // The dead pipe is dead.
        expect((await post(`${client.number + 1}`, '42["late"]')).status).toBe(400);
        client.cut();
        expect((await client.claim("polling")).status).toBe(200);
      }
      expect((await post("1", '42["of long ago"]')).status).toBe(400);
      expect(isSuspended(half.socket)).toBe(false);
      await roundTrip(half);
      expect(heard).toEqual(["echo"]);
      client.cut();
    },
  );
});

describe.skipIf(!isSockeye)("a client that acknowledges nothing", () => {
  attack(
    "and reads nothing holds no more than its bounds",
    async (scene) => {
      const { client, socket } = await enter(scene);
      client.answersPings = false;
      const view = socket as unknown as { bufferedBytes: number };
      let most = 0;
      for (let sent = 0; socket.connected && sent < 20_000; sent++) {
        socket.emit("much", "x".repeat(1000));
        most = Math.max(most, view.bufferedBytes);
        if (sent % 100 === 0) await turn();
      }
      expect(socket.connected).toBe(false);
      expect(most).toBeLessThanOrEqual(1_000_000);
      client.cut();
    },
    { resume: { maxBytes: 100_000 }, limits: { maxOutboundBytes: 1_000_000 } } as object,
  );
});

describe.skipIf(!isSockeye)("the secret of a session", () => {
  attack("is in nothing that the server tells of refused claims", async (scene) => {
    const half = await enter(scene);
    const told: string[] = [];
    const tell = (message: unknown): void => {
      const { code, message: text, context } = message as { code: number; message: string; context: unknown };
      told.push(inspect({ code, text, context }, { depth: 5 }));
    };
    subscribe("sockeye:session:refuse", tell);
    try {
      const { client } = half;
      for (const way of WAYS) {
        await answerTo(scene.port, {
          way,
          sid: client.sid,
          body: claimOf(client.sid, client.secret, 2 ** 40),
        });
        await answerTo(scene.port, {
          way,
          sid: client.sid,
          body: `${claimOf(client.sid, client.secret, 1)}x`,
        });
      }
      expect(told).toHaveLength(2 * WAYS.length);
      expect(told.filter((text) => text.includes(client.secret) || text.includes(client.sid))).toEqual([]);
      client.cut();
    } finally {
      unsubscribe("sockeye:session:refuse", tell);
    }
  });
});

/** The same, whatever it was. */
function same(answer: unknown): unknown {
  const { headers, ...rest } = answer as { headers?: Record<string, unknown> };
  return headers === undefined ? rest : { ...rest, type: headers["content-type"] };
}

async function roundTrip({ client, socket }: Half): Promise<void> {
  const heard = once(socket, "echo");
  await client.send('2["echo",1]');
  expect(await heard).toEqual([1]);
}
