import type { Socket } from "socket.io";
import { expect, it } from "vitest";
import { upgradeBytes } from "../support/attack.js";
import { http, Line, openWire, type Wire } from "../support/rawsocket.js";
import { type ServerName, type Site, startSite } from "../support/servers.js";

// Cross-site WebSocket hijacking: a page of another site opens a WebSocket to an app that knows its users by a cookie. The
// browser sends the cookie along, and no rule of CORS holds it back. Beside it, what Socket.IO does.

const COOKIE = "login=ann";
const EVIL = "https://evil.example";

/** An app that tells whoever has Ann's cookie what only Ann may know, and does what she says. */
async function appWithLogin(name: ServerName): Promise<{ site: Site; done: unknown[] }> {
  const site = await startSite(name);
  const done: unknown[] = [];
  site.io.use((socket, next) =>
    next(socket.request.headers.cookie === COOKIE ? undefined : new Error("log in")),
  );
  site.io.on("connection", (socket: Socket) => {
    socket.emit("letter", "of Ann");
    socket.on("pay", (amount: number, answer: () => void) => {
      done.push(amount);
      answer();
    });
  });
  return { site, done };
}

/** What a page reads and does over a WebSocket that its browser has opened. */
async function readAndPay(wire: Wire): Promise<string[]> {
  await wire.next("OPEN");
  wire.send("40");
  const read = [await wire.nextMessage(), await wire.nextMessage()];
  wire.send('420["pay",1000]');
  read.push(await wire.nextMessage());
  wire.end();
  return read.map((frame) => String(frame).replace(/\{.*/, ""));
}

const READ = ["40", '42["letter","of Ann"]', "430[]"];

it("socket.io 4: a page of another site reads and acts as its visitor", async () => {
  const { site, done } = await appWithLogin("socket.io 4");
  const wire = await openWire(site.port, undefined, { headers: { Cookie: COOKIE, Origin: EVIL } });
  expect(await readAndPay(wire)).toEqual(READ);
  expect(done).toEqual([1000]);
  await site.end();
});

it("a page of another site cannot read or act as its visitor over WebSocket", async () => {
  const { site, done } = await appWithLogin("sockeye");
  const { port } = site;
  for (const Origin of [EVIL, "null", `http://127.0.0.1:${port}.evil.example`, `http://localhost:${port}`]) {
    const peer = new Line(port);
    peer.write(upgradeBytes("EIO=4&transport=websocket", { Cookie: COOKIE, Origin }));
    peer.write(Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]));
    expect(await peer.rest(), Origin).toMatch(/^HTTP\/1\.1 403 Forbidden\r\n/);
  }
  expect([site.io.engine.clientsCount, done]).toEqual([0, []]);
  // The app's own page, and a client that is no browser.
  for (const headers of [{ Cookie: COOKIE, Origin: `http://127.0.0.1:${port}` }, { Cookie: COOKIE }]) {
    expect(await readAndPay(await openWire(port, undefined, { headers }))).toEqual(READ);
  }
  expect(done).toEqual([1000, 1000]);
  await site.end();
});

it("a page of another site cannot act over HTTP either, where it could not read", async () => {
  const { site } = await appWithLogin("sockeye");
  for (const transport of ["polling", "sse", "stream", "iframe&c=1"]) {
    const target = `/socket.io/?EIO=4&transport=${transport}`;
    const headers = { Cookie: COOKIE, Origin: EVIL };
    expect((await http(site.port, { target, headers })).status, transport).toBe(403);
  }
  expect(site.io.engine.clientsCount).toBe(0);
  await site.end();
});

it("a name that is made to lead here passes: the page's host is the server's own", async () => {
  const { site } = await appWithLogin("sockeye");
  const headers = { Host: "rebound.example", Origin: "http://rebound.example", Cookie: COOKIE };
  const wire = await openWire(site.port, undefined, { headers });
  expect(wire.open).toBe(true);
  wire.end();
  await site.end();
});
