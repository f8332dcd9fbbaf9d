import { createServer, type Server as HttpServer, type IncomingMessage } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SELF_SIGNED } from "../support/certificate.js";
import { type ClientOptions, loadClient, loadServer, optionsFor } from "../support/servers.js";
import { once } from "../support/wait.js";

// What the client must not do for a server that is not the one that it means.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listen(server: HttpServer | ReturnType<typeof createTlsServer>): Promise<number> {
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return (server.address() as AddressInfo).port;
}

async function outcome(url: string, options: ClientOptions): Promise<string> {
  const { io } = await loadClient("sockeye");
  const client = io(url, { ...optionsFor("websocket"), reconnection: false, ...options });
  ends.push(() => client.disconnect());
  return Promise.race([
    once(client, "connect").then(() => "connect"),
    once(client, "connect_error").then(() => "connect_error"),
  ]);
}

describe("a certificate that nobody has signed (S19, F2, X2)", () => {
  const rows: readonly (readonly [name: string, options: object, websocket: string])[] = [
    ["without options", {}, "connect_error"],
    ["rejectUnauthorized: undefined", { rejectUnauthorized: undefined }, "connect_error"],
    ["rejectUnauthorized: null", { rejectUnauthorized: null }, "connect_error"],
    ["rejectUnauthorized: 0", { rejectUnauthorized: 0 }, "connect_error"],
    ["rejectUnauthorized: true", { rejectUnauthorized: true }, "connect_error"],
    [
      "another host's name, its own authority",
      { ca: SELF_SIGNED.cert, checkServerIdentity: () => new Error("no") },
      "connect_error",
    ],
    ["its own authority", { ca: SELF_SIGNED.cert }, "connect"],
    ["rejectUnauthorized: false", { rejectUnauthorized: false }, "connect"],
  ];
  for (const [name, options, websocket] of rows) {
    it(`${name}: ${websocket}`, async () => {
      const { Server } = await loadServer("sockeye");
      const server = createTlsServer(SELF_SIGNED);
      const io = new Server(server as never);
      ends.push(() => io.close());
      const port = await listen(server);
      expect(await outcome(`https://127.0.0.1:${port}`, options as ClientOptions)).toBe(websocket);
    });
  }

  it("is refused over polling", async () => {
    const { Server } = await loadServer("sockeye");
    const server = createTlsServer(SELF_SIGNED);
    const io = new Server(server as never);
    ends.push(() => io.close());
    const port = await listen(server);
    const options = { transports: ["polling"], rejectUnauthorized: undefined } as unknown as ClientOptions;
    expect(await outcome(`https://127.0.0.1:${port}`, options)).toBe("connect_error");
  });
});

describe("a redirection to somebody else (W9, J3, 19)", () => {
  for (const [transport, status] of [
    ["websocket", 302],
    ["polling", 302],
    ["polling", 307],
  ] as const) {
    it(`over ${transport}, ${status}: nobody else gets the secrets`, async () => {
      const strangers: IncomingMessage[] = [];
      const stranger = createServer((req, res) => {
        strangers.push(req);
        res.writeHead(400).end();
      });
      stranger.on("upgrade", (req, socket) => {
        strangers.push(req);
        socket.destroy();
      });
      const strangePort = await listen(stranger);
      const head = { Location: `http://127.0.0.1:${strangePort}/socket.io/?EIO=4&transport=${transport}` };
      const server = createServer((_req, res) => res.writeHead(status, head).end());
      server.on("upgrade", (_req, socket) => {
        socket.end(`HTTP/1.1 ${status} Found\r\nLocation: ${head.Location}\r\nContent-Length: 0\r\n\r\n`);
      });
      const port = await listen(server);
      const extraHeaders = { Authorization: "Bearer secret", Cookie: "session=secret" };
      expect(await outcome(`http://127.0.0.1:${port}`, { transports: [transport], extraHeaders })).toBe(
        "connect_error",
      );
      for (const { headers } of strangers) expect(JSON.stringify(headers)).not.toContain("secret");
      if (transport === "websocket") expect(strangers).toEqual([]);
    });
  }
});
