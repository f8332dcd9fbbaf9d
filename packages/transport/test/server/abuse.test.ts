import { describe, expect, it, vi } from "vitest";
import { type GateServer, gateServer } from "./gate-server.js";
import { ask, clientFrame, RawConnection, upgradeRequest } from "./raw-client.js";

const POLLING = "/engine.io/?EIO=4&transport=polling";
const WEBSOCKET = "/engine.io/?EIO=4&transport=websocket";

/**
 * What a hostile or broken client can do. After each, whatever became of the offender: the process lives (an uncaught
 * error fails the run), every request has had its answer, every connection is gone, and a bystander's session has not
 * noticed.
 */
interface Row {
  readonly name: string;
  readonly act: (server: GateServer & { sid: string }) => Promise<unknown>;
  /** How the offender's session ends; none by default. */
  readonly ends?: string;
  /** The offender has a polling session first. */
  readonly polls?: boolean;
}

const request = (method: string, target: string, rest = "\r\n"): string =>
  `${method} ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${rest}`;

/** Opens a WebSocket by hand, with these bytes in the same packet as the request. */
const webSocket = (port: number, glued: Uint8Array = new Uint8Array()): RawConnection =>
  RawConnection.to(port).write(Buffer.concat([Buffer.from(upgradeRequest(WEBSOCKET)), glued]));

/** Sends the bytes over an open WebSocket and waits for the server's close frame with this code. */
async function closesWith({ port }: GateServer, code: number, bytes: Uint8Array): Promise<void> {
  const connection = webSocket(port);
  await connection.until('0{"sid"');
  connection.write(bytes);
  await connection.until("\x88");
  // A text may follow, which makes the frame longer.
  await connection.until(String.fromCharCode(code >> 8, code & 255));
  connection.write(clientFrame(0x88));
  await connection.over;
}

/** Asks with this text, and gives the status codes of all that comes back. */
async function statuses({ port }: GateServer, text: string): Promise<string[]> {
  const connection = RawConnection.to(port).write(text);
  await connection.over;
  return [...connection.received.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1] as string);
}

const FIN_TEXT = 0x81;
const FIN_BINARY = 0x82;
const FIN_PING = 0x89;
const many = (count: number, frame: Buffer): Buffer => Buffer.concat(new Array<Buffer>(count).fill(frame));

const rows: Row[] = [
  // Queries
  ...[
    "sid=a&sid=b",
    "sid=sid-1&sid=sid-1",
    "sid[]=sid-1&sid=x",
    "sid=%00",
    "sid=__proto__",
    "sid=toString",
  ].map(
    (query): Row => ({
      name: `?${query}`,
      act: async ({ port }) => {
        const { body } = await ask(port, { target: `${POLLING}&${query}` });
        expect(body).toBe('{"code":1,"message":"Session ID unknown"}');
        const upgrade = RawConnection.to(port).write(upgradeRequest(`${WEBSOCKET}&${query}`));
        await upgrade.over;
        expect(upgrade.received).toContain("Session ID unknown");
      },
    }),
  ),
  {
    name: "a repeated transport",
    act: async ({ port }) => {
      const { body } = await ask(port, { target: `${POLLING}&transport=polling` });
      expect(body).toContain("Transport unknown");
    },
  },
  {
    name: "a repeated protocol",
    act: async ({ port }) => {
      const { body } = await ask(port, { target: `${POLLING}&EIO=4` });
      expect(body).toContain("Unsupported protocol version");
    },
  },
  // HTTP
  {
    name: "a poll of a WebSocket session",
    ends: "transport close",
    act: async (server) => {
      const connection = webSocket(server.port);
      await connection.until('0{"sid"');
      const sid = [...server.acceptor.sessions.keys()].at(-1);
      expect(await statuses(server, request("GET", `${POLLING}&sid=${sid}`))).toEqual(["400"]);
      expect(await statuses(server, request("GET", `${WEBSOCKET}&sid=${sid}`))).toEqual(["400"]);
      connection.reset();
      await connection.over;
    },
  },
  {
    name: "two GETs in one connection",
    polls: true,
    ends: "transport error",
    act: async (server) => {
      const target = `${POLLING}&sid=${server.sid}`;
      const both = `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n${request("GET", target)}`;
      expect(await statuses(server, both)).toEqual(["200", "400"]);
    },
  },
  {
    name: "a GET and a POST in one connection",
    polls: true,
    act: async (server) => {
      const target = `${POLLING}&sid=${server.sid}`;
      server.acceptor.session(server.sid).writable = () => server.acceptor.session(server.sid).send("6");
      const both = `GET ${target} HTTP/1.1\r\nHost: x\r\n\r\n${request("POST", target, "Content-Length: 2\r\n\r\n4a")}`;
      expect(await statuses(server, both)).toEqual(["200", "200"]);
    },
  },
  {
    name: "a body behind a GET",
    polls: true,
    act: async (server) => {
      server.acceptor.session(server.sid).writable = () => server.acceptor.session(server.sid).send("6");
      const text = request("GET", `${POLLING}&sid=${server.sid}`, "Content-Length: 2\r\n\r\n4a");
      expect(await statuses(server, text)).toEqual(["200"]);
    },
  },
  {
    name: "a body that is shorter than declared",
    polls: true,
    ends: "transport error",
    act: async ({ port, sid }) => {
      const text = request("POST", `${POLLING}&sid=${sid}`, "Content-Length: 99\r\n\r\n4a");
      const connection = RawConnection.to(port).write(text);
      connection.socket.end();
      await connection.over;
    },
  },
  {
    name: "a body that is longer than declared",
    polls: true,
    act: async (server) => {
      const text = request("POST", `${POLLING}&sid=${server.sid}`, "Content-Length: 2\r\n\r\n4agarbage");
      // Node.js refuses what follows before it tells the end of the body: our 200 comes too late.
      expect(await statuses(server, text)).toEqual(["400"]);
    },
  },
  {
    name: "octet-stream bodies, one after the other",
    polls: true,
    ends: "transport error",
    act: async (server) => {
      const text = request(
        "POST",
        `${POLLING}&sid=${server.sid}`,
        "Content-Type: application/octet-stream; x=y\r\nContent-Length: 2\r\n\r\n4a",
      );
      for (let count = 0; count < 5; count++) expect(await statuses(server, text)).toEqual(["400"]);
    },
  },
  {
    name: "a body over the limit in small chunks",
    polls: true,
    ends: "transport error",
    act: async ({ port, sid }) => {
      const text = request("POST", `${POLLING}&sid=${sid}`, "Transfer-Encoding: chunked\r\n\r\n");
      const connection = RawConnection.to(port).write(text);
      connection.write(many(2001, Buffer.from(`1f4\r\n${"4".repeat(500)}\r\n`)));
      await connection.until("HTTP/1.1 413 ");
      connection.reset();
    },
  },
  // Upgrades
  {
    name: "an upgrade by POST",
    act: async ({ port }) => {
      const text = upgradeRequest(WEBSOCKET)
        .replace("GET", "POST")
        .replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
      const connection = RawConnection.to(port).write(text);
      await connection.over;
      expect(connection.received).toMatch(/^HTTP\/1\.1 400 .*Bad handshake method$/s);
    },
  },
  ...[
    { "Sec-WebSocket-Key": undefined },
    { "Sec-WebSocket-Key": "short" },
    { "Sec-WebSocket-Version": undefined },
    { "Sec-WebSocket-Version": "99" },
    { Upgrade: "h2c" },
    { Upgrade: "websocket, h2c" },
    { "Sec-WebSocket-Protocol": ",,;" },
  ].map(
    (headers): Row => ({
      name: `an upgrade with ${JSON.stringify(headers, (_key, value) => value ?? "nothing")}`,
      act: async ({ port }) => {
        const connection = RawConnection.to(port).write(upgradeRequest(WEBSOCKET, headers));
        await connection.over;
        expect(connection.received).toMatch(/^HTTP\/1\.1 4\d\d /);
      },
    }),
  ),
  {
    name: "an upgrade whose headers are cut off by their number",
    act: async ({ port }) => {
      const padding = Object.fromEntries(Array.from({ length: 2100 }, (_, index) => [`x${index}`, "1"]));
      const text = upgradeRequest(WEBSOCKET).replace("Host", "host");
      const [first = "", ...lines] = text.split("\r\n");
      const padded = Object.entries(padding).map(([name, value]) => `${name}:${value}`);
      const connection = RawConnection.to(port).write([first, ...padded, ...lines].join("\r\n"));
      await connection.over;
      expect(connection.received).toMatch(/^HTTP\/1\.1 4\d\d /);
    },
  },
  {
    name: "garbage behind an upgrade",
    ends: "transport error",
    act: async ({ port }) => {
      const connection = webSocket(port, Buffer.from("ffffffffffffffff", "hex"));
      await connection.until("\x88\x02");
      connection.socket.end();
      await connection.over;
    },
  },
  {
    name: "a reset behind an upgrade",
    ends: "transport close",
    act: async ({ port }) => {
      const connection = webSocket(port);
      await connection.until('0{"sid"');
      connection.reset();
      await connection.over;
    },
  },
  {
    name: "resets while upgrades are refused",
    act: async ({ port }) => {
      for (const target of ["/engine.io/?EIO=4&transport=x", `${WEBSOCKET}&sid=x`]) {
        for (let count = 0; count < 5; count++) {
          const connection = RawConnection.to(port).write(upgradeRequest(target));
          await new Promise((resolve) => connection.socket.once("connect", resolve));
          connection.reset();
          await connection.over;
        }
      }
    },
  },
  {
    name: "a reset while the id of an upgrade is made",
    act: async ({ port, acceptor }) => {
      const { newId } = acceptor;
      let give: ((id: string) => void) | undefined;
      acceptor.newId = () =>
        new Promise((resolve) => {
          give = resolve;
        });
      const connection = webSocket(port, Buffer.from("ffffffff", "hex"));
      await vi.waitFor(() => expect(give).toBeDefined());
      connection.reset();
      await new Promise((resolve) => setTimeout(resolve, 20));
      give?.("too-late");
      acceptor.newId = newId;
    },
  },
  // WebSocket frames
  {
    name: "a text frame that is not UTF-8",
    ends: "transport error",
    act: (server) => closesWith(server, 1007, clientFrame(FIN_TEXT, Buffer.from([0x34, 0xff]))),
  },
  {
    name: "a frame without a mask",
    ends: "transport error",
    act: (server) => closesWith(server, 1002, Buffer.from([FIN_TEXT, 2, 0x34, 0x61])),
  },
  {
    name: "a message over the limit, declared",
    ends: "transport error",
    act: (server) => closesWith(server, 1009, Buffer.from("82ff0000000040000000", "hex")),
  },
  {
    name: "a message over the limit, in parts",
    ends: "transport error",
    act: (server) => {
      const part = clientFrame(0, Buffer.alloc(125));
      return closesWith(
        server,
        1009,
        Buffer.concat([clientFrame(0x02, Buffer.alloc(125)), many(8000, part)]),
      );
    },
  },
  {
    name: "a message of a length beyond all numbers",
    ends: "transport error",
    act: (server) => closesWith(server, 1009, Buffer.from("82ffffffffffffffffff", "hex")),
  },
  {
    name: "very many empty fragments",
    ends: "transport error",
    act: (server) =>
      closesWith(server, 1008, Buffer.concat([clientFrame(0x01), many(20_000, clientFrame(0))])),
  },
  {
    name: "very many one-byte fragments",
    ends: "transport error",
    act: (server) =>
      closesWith(
        server,
        1008,
        Buffer.concat([clientFrame(0x01), many(20_000, clientFrame(0, Buffer.from("a")))]),
      ),
  },
  {
    name: "a flood of pings by a client that does not read",
    ends: "transport close",
    act: async ({ port, acceptor }) => {
      const connection = webSocket(port);
      await connection.until('0{"sid"');
      const session = [...acceptor.sessions.values()].at(-1);
      connection.socket.pause();
      const flood = many(20_000, clientFrame(FIN_PING, Buffer.alloc(125, "x")));
      const pump = (): void => {
        if (!connection.socket.destroyed) connection.socket.write(flood, () => setImmediate(pump));
      };
      pump();
      await vi.waitFor(() => expect(session?.endings).toHaveLength(1), { timeout: 8000 });
      connection.reset();
    },
  },
  {
    name: "frames behind a close frame",
    ends: "transport close",
    act: async ({ port, acceptor }) => {
      const connection = webSocket(port);
      await connection.until('0{"sid"');
      connection.write(
        Buffer.concat([clientFrame(0x88), many(50, clientFrame(FIN_BINARY, Buffer.from("x")))]),
      );
      await connection.over;
      expect([...acceptor.sessions.values()].at(-1)?.frames).toEqual([]);
    },
  },
];

describe.each(["own", "ws"] as const)(
  "whoever does this harms nobody else (WebSockets: %s)",
  (webSockets) => {
    it.each(rows)("$name", async ({ act, ends, polls }) => {
      const server = await gateServer({ webSockets });
      const { port, acceptor } = server;
      const bystander = await pollingSession(port);
      const waiting = ask(port, { target: `${POLLING}&sid=${bystander}` });
      await vi.waitFor(() => expect(acceptor.session(bystander).transport.writable).toBe(true));
      const sid = polls ? await pollingSession(port) : "";

      await act({ ...server, sid });

      // What is left: the bystander's poll and its connection.
      await vi.waitFor(() => expect([server.unanswered.size, server.connections.size]).toEqual([1, 1]), 4000);
      const reasons = [...acceptor.sessions]
        .filter(([id]) => id !== bystander)
        .flatMap(([, { endings }]) => endings);
      expect(reasons.map(({ reason }) => reason)).toEqual(ends === undefined ? [] : [ends]);
      const session = acceptor.session(bystander);
      expect(
        (await ask(port, { method: "POST", target: `${POLLING}&sid=${bystander}`, body: "4hi" })).status,
      ).toBe(200);
      session.send("4ho");
      expect(await waiting).toMatchObject({ status: 200, body: "4ho" });
      expect([session.frames, session.endings]).toEqual([["4hi"], []]);
    });
  },
);

async function pollingSession(port: number): Promise<string> {
  const { body } = await ask(port, { target: POLLING });
  return (JSON.parse(body.slice(1)) as { sid: string }).sid;
}
