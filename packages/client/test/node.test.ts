// What a client on Node.js has besides: TLS, cookies, agents, a process that may end. As socket.io-client 4.8 does it, where it does.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import type { Socket as NetSocket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { SELF_SIGNED } from "../../../test/support/certificate.js";
import { once, within } from "../../../test/support/wait.js";
import type { Options } from "../src/index.js";
import { CLIENTS, CountingAgent, Trial } from "./trial.js";

const ROOT = fileURLToPath(new URL("../../../", import.meta.url));

const trials: Trial[] = [];
afterEach(async () => {
  for (const trial of trials.splice(0)) await trial.end();
});

function trialOf(client: Trial["client"]): Trial {
  const trial = new Trial(client);
  trials.push(trial);
  return trial;
}

describe.each(Object.entries(CLIENTS))("%s", (name, client) => {
  const isOurs = name === "sockeye";

  describe("a certificate that nobody has signed", () => {
    const rows: readonly (readonly [title: string, options: Options, connects: boolean])[] = [
      ["without options", {}, false],
      ["rejectUnauthorized: true", { rejectUnauthorized: true }, false],
      ["rejectUnauthorized: false", { rejectUnauthorized: false }, true],
      ["ca", { ca: SELF_SIGNED.cert }, true],
    ];
    for (const [title, options, connects] of rows) {
      for (const transport of ["polling", "websocket"]) {
        const expected = connects
          ? "connect"
          : { polling: "xhr poll error", websocket: "websocket error" }[transport];
        it(`${title}, ${transport}: ${expected}`, async () => {
          const trial = trialOf(client);
          const { url } = await trial.serve({ tls: {} });
          expect(await trial.outcome(url, { ...options, transports: [transport] })).toBe(expected);
        });
      }
      if (!connects) continue;
      it(`${title}, polling, then websocket`, async () => {
        const trial = trialOf(client);
        const site = await trial.serve({ tls: {} });
        const socket = await trial.upgrade(site.url, options);
        expect(socket.io.engine.transport.name).toBe("websocket");
        const heard = once(socket as never, "n");
        site.io.emit("n", 1, Buffer.of(1));
        expect(await heard).toEqual([1, Buffer.of(1)]);
      });
    }
  });

  it("says why a server cannot be reached", async () => {
    const trial = trialOf(client);
    const socket = trial.dial("http://127.0.0.1:1", { transports: ["polling"] });
    const [error] = await once(socket as never, "connect_error");
    expect(error).toMatchObject({
      message: "xhr poll error",
      type: "TransportError",
      context: expect.anything(),
    });
    const { description } = error as { readonly description?: unknown };
    if (isOurs) expect(description).toMatchObject({ code: "ECONNREFUSED" });
    else expect(description).toBe(0);
  });

  it("says what a server that refuses has answered", async () => {
    const trial = trialOf(client);
    const { url } = await trial.serve({ allowRequest: (_request, answer) => answer("not today", false) });
    const socket = trial.dial(url, { transports: ["polling"] });
    const [error] = await once(socket as never, "connect_error");
    expect(error).toMatchObject({ message: "xhr poll error", description: 403, context: { status: 403 } });
    // Socket.IO's client has emptied it by now.
    if (isOurs) {
      expect(error).toMatchObject({ context: { responseText: '{"code":4,"message":"not today"}' } });
    }
  });

  it("asks over the connections of the app's agent, all of them", async () => {
    const trial = trialOf(client);
    const site = await trial.serve();
    const agent = new CountingAgent({ keepAlive: true });
    trial.defer(() => agent.destroy());
    await trial.upgrade(site.url, { agent });
    expect(new Set(site.asked.map(({ wire }) => wire)).size).toBe(agent.opened);
  });

  it("tells the cookies of its session, until the server takes them back", async () => {
    const trial = trialOf(client);
    const site = await trial.serve({ transports: ["polling"] });
    let count = 0;
    site.io.engine.on("headers", (headers: Record<string, string[]>) => {
      count++;
      headers["set-cookie"] = [
        count < 3 ? `n=${count}; Path=/` : "n=; expires=Thu, 01 Jan 1970 00:00:00 GMT; path=/",
      ];
    });
    const socket = await trial.connect(site.url, { withCredentials: true, transports: ["polling"] });
    while (count < 5) {
      site.io.emit("n");
      await once(socket as never, "n");
    }
    const told = site.asked.map(({ headers }) => headers.cookie);
    expect(told[0]).toBeUndefined();
    expect(told).toContain("n=1");
    expect(told.at(-1)).toBeUndefined();
  });

  it("hears of its engine what engine.io-client tells", async () => {
    const trial = trialOf(client);
    const site = await trial.serve({ pingInterval: 30, pingTimeout: 5000 });
    const socket = trial.dial(site.url, { transports: ["websocket"] });
    const { engine } = socket.io;
    const heard: unknown[] = [];
    for (const event of ["handshake", "open", "ping", "pong", "error", "close"] as const)
      engine.on(event, ((...args: unknown[]) => heard.push([event, ...args])) as never);
    await once(engine as never, "pong");
    // On a busy machine the first PING is here before the answer to CONNECT.
    if (!socket.connected) await once(socket as never, "connect");
    const [half] = await site.io.fetchSockets();
    const lost = once(engine as never, "close");
    // A reserved bit is set: the WebSocket breaks.
    rawSocketOf(site.asked[0]?.wire).write(Buffer.of(0xf1, 0));
    await lost;
    expect(half).toBeDefined();
    expect(heard.slice(0, 4)).toEqual([
      ["handshake", expect.objectContaining({ sid: expect.any(String), pingInterval: 30, upgrades: [] })],
      ["open"],
      ["ping"],
      ["pong"],
    ]);
    expect(heard.slice(-2)).toEqual([
      ["error", expect.objectContaining({ message: "websocket error" })],
      ["close", "transport error", expect.anything()],
    ]);
  });

  it.each([true, false])("compress(%s) reaches the WebSocket", async (compress) => {
    const trial = trialOf(client);
    const site = await trial.serve({ perMessageDeflate: true });
    const options = { transports: ["websocket"], perMessageDeflate: { threshold: 10 } };
    const socket = await trial.connect(site.url, options);
    const [half] = await site.io.fetchSockets();
    const heard = once(site.io.sockets.sockets.get(half?.id ?? "") as never, "n");
    const frame = new Promise<number>((resolve) =>
      site.asked[0]?.wire.once("data", (chunk: Buffer) => resolve(chunk[0] ?? 0)),
    );
    socket.compress(compress).emit("n", "x".repeat(100));
    // RSV1
    expect(((await frame) & 0x40) !== 0).toBe(compress);
    await heard;
  });
});

function rawSocketOf(wire: NetSocket | undefined): NetSocket {
  if (!wire) throw new Error("nobody has asked");
  return wire;
}

describe("a process with autoUnref", () => {
  let folder: string;
  const scripts: Record<string, string> = {};

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), "sockeye-"));
    for (const [name, from] of [
      ["sockeye", "./packages/client/src/index.ts"],
      ["socket.io-client 4", "socket.io-client"],
    ] as const) {
      const outfile = join(folder, `${name}.cjs`);
      await build({
        stdin: { contents: script(from), resolveDir: ROOT },
        outfile,
        bundle: true,
        platform: "node",
        format: "cjs",
        tsconfig: join(ROOT, "tsconfig.json"),
        logLevel: "error",
      });
      scripts[name] = outfile;
    }
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Says "connected" once it is, and holds the process for that long; then nothing of its own is left to do. */
  function script(from: string): string {
    return `
      import { io } from ${JSON.stringify(from)};
      const [url, transports, autoUnref, holdMs = 10_000] = process.argv.slice(2);
      const hold = setTimeout(() => console.log("never connected"), Number(holdMs));
      const socket = io(url, { transports: transports.split(","), autoUnref: autoUnref === "true" });
      const done = () => { console.log("connected"); clearTimeout(hold); };
      socket.on("connect", () => {
        if (transports.includes(",")) socket.io.engine.on("upgrade", done);
        else setTimeout(done, 100);
      });
    `;
  }

  function run(name: string, args: readonly string[]) {
    const child = spawn(process.execPath, [scripts[name] ?? "", ...args], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let said = "";
    child.stdout.on("data", (chunk: Buffer) => {
      said += chunk;
    });
    return { child, said: () => said };
  }

  for (const [name, client] of Object.entries(CLIENTS)) {
    for (const transports of ["polling", "websocket", "polling,websocket"]) {
      // Its process goes on after an upgrade.
      if (name !== "sockeye" && transports.includes(",")) continue;
      it(`ends by itself: ${name}, ${transports}`, async () => {
        const site = await trialOf(client).serve();
        const { child, said } = run(name, [site.url, transports, "true"]);
        const [code] = await once(child as never, "exit");
        expect([code, said()]).toEqual([0, "connected\n"]);
      });
    }
  }

  it("does not end without it", async () => {
    const trial = trialOf(CLIENTS.sockeye);
    const site = await trial.serve({ pingInterval: 50 });
    for (const transports of ["polling", "websocket"]) {
      const { child, said } = run("sockeye", [site.url, transports, "false"]);
      trial.defer(() => child.kill());
      const alive = new Promise<void>((resolve) =>
        site.io.once("connection", (socket) => {
          let beats = 0;
          socket.conn.on("heartbeat", () => {
            if (++beats === 6) resolve();
          });
        }),
      );
      await within(alive, "six heartbeats");
      expect([child.exitCode, said()]).toEqual([null, "connected\n"]);
      child.kill();
    }
  });

  it("ends though the server never answers", async () => {
    const trial = trialOf(CLIENTS.sockeye);
    const url = await trial.silence();
    for (const transports of ["polling", "websocket"]) {
      const { child, said } = run("sockeye", [url, transports, "true", "200"]);
      trial.defer(() => child.kill());
      const [code] = await once(child as never, "exit");
      expect([code, said()]).toEqual([0, "never connected\n"]);
    }
  });
});
