import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { connect, createServer as createHttp2Server } from "node:http2";
import type { AddressInfo } from "node:net";
import { attach, isAttached } from "@sockeye/transport/server";
import { describe, expect, it } from "vitest";
import { gateServer, listen } from "./gate-server.js";
import { ask, RawConnection, upgradeRequest } from "./raw-client.js";

function answering(name: string) {
  return (_req: IncomingMessage, res: ServerResponse): void => void res.end(name);
}

async function body(port: number, target: string): Promise<string> {
  return (await ask(port, { target })).body;
}

describe("attach", () => {
  it.each([
    ["/socket.io/?EIO=4", "ours"],
    ["/socket.io/", "ours"],
    ["/socket.io/more/of/it?x", "ours"],
    ["/socket.io", "ours"],
    ["/socket.io?EIO=4", "ours"],
    ["/socket.iox", "app"],
    ["/socket.io-admin/", "app"],
    ["/socket", "app"],
    ["/", "app"],
    ["/x/socket.io/", "app"],
    ["/Socket.io/", "app"],
  ])("gives %s to %s", async (target, expected) => {
    for (const path of ["/socket.io", "/socket.io/"]) {
      const server = createServer(answering("app"));
      attach(server, { path, onRequest: answering("ours") });
      expect(await body(await listen(server), target)).toBe(expected);
    }
  });

  it("calls each listener of the app once, with the server as this", async () => {
    const server = createServer();
    const calls: unknown[] = [];
    server.on("request", function (this: unknown) {
      calls.push(this);
    });
    server.on("request", (_req, res) => {
      calls.push("second");
      res.end();
    });
    attach(server, { path: "/socket.io/", onRequest: answering("ours") });
    const port = await listen(server);
    await body(port, "/socket.io/");
    expect(calls).toEqual([]);
    await body(port, "/x");
    expect(calls).toEqual([server, "second"]);
  });

  it("gives everything back", async () => {
    const app = answering("app");
    const server = createServer(app);
    const detach = attach(server, { path: "/socket.io/", onRequest: answering("ours"), onUpgrade: () => {} });
    const port = await listen(server);
    expect(await body(port, "/socket.io/")).toBe("ours");
    detach();
    detach();
    expect(await body(port, "/socket.io/")).toBe("app");
    expect(server.listeners("request")).toEqual([app]);
    expect(server.listenerCount("upgrade")).toBe(0);
  });

  it("can be undone in any order", async () => {
    const server = createServer(answering("app"));
    const detachers = ["a", "b"].map((name) =>
      attach(server, { path: `/${name}/`, onRequest: answering(name) }),
    );
    const port = await listen(server);
    const answers = async () => [await body(port, "/a/"), await body(port, "/b/"), await body(port, "/c/")];
    expect(await answers()).toEqual(["a", "b", "app"]);
    detachers[0]?.();
    expect(await answers()).toEqual(["app", "b", "app"]);
    detachers[1]?.();
    expect(await answers()).toEqual(["app", "app", "app"]);
  });

  it.each([
    ["the longer of two paths, attached first", ["/a/b", "/a"]],
    ["the longer of two paths, attached last", ["/a", "/a/b"]],
  ])("%s, gets what is below it, upgrades too", async (_what, paths) => {
    const server = createServer(answering("app"));
    for (const path of paths) {
      attach(server, {
        path,
        onRequest: answering(path),
        onUpgrade: (_req, socket) => void socket.end(`HTTP/1.1 400 ${path}\r\n\r\n`),
        destroyUpgradeTimeout: 20,
      });
    }
    const port = await listen(server);
    for (const [target, owner] of [
      ["/a/?x", "/a"],
      ["/a/b/?x", "/a/b"],
      ["/a/c", "/a"],
    ] as const) {
      expect(await body(port, target)).toBe(owner);
      const connection = RawConnection.to(port).write(upgradeRequest(target));
      await connection.over;
      expect(connection.received).toBe(`HTTP/1.1 400 ${owner}\r\n\r\n`);
    }
  });

  it("the last of two at one path gets requests and upgrades, until it leaves", async () => {
    const server = createServer(answering("app"));
    const port = await listen(server);
    const put = (name: string) =>
      attach(server, {
        path: "/a/",
        onRequest: answering(name),
        onUpgrade: (_req, socket) => void socket.end(`HTTP/1.1 400 ${name}\r\n\r\n`),
      });
    const answers = async () => {
      const connection = RawConnection.to(port).write(upgradeRequest("/a/"));
      await connection.over;
      return [await body(port, "/a/"), connection.received.slice(13, -4)];
    };
    expect(isAttached(server, "/a")).toBe(false);
    const detachers = [put("first"), put("second"), put("third")];
    expect(isAttached(server, "/a")).toBe(true);
    expect(await answers()).toEqual(["third", "third"]);
    detachers[1]?.();
    expect(await answers()).toEqual(["third", "third"]);
    detachers[2]?.();
    expect(await answers()).toEqual(["first", "first"]);
    detachers[0]?.();
    expect(isAttached(server, "/a")).toBe(false);
    expect(server.listenerCount("upgrade")).toBe(0);
  });

  it("serves HTTP/2 requests", async () => {
    const server = createHttp2Server();
    attach(server, {
      path: "/socket.io/",
      onRequest: (req, res) => res.end(`${req.httpVersion} ${req.method}`),
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const client = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = client.request({ ":path": "/socket.io/?EIO=4" });
    let text = "";
    for await (const chunk of stream) text += chunk;
    expect(text).toBe("2.0 GET");
    client.close();
    await new Promise((resolve) => server.close(resolve));
  });
});

describe("upgrade requests that are not ours", () => {
  const options = { destroyUpgradeTimeout: 20 };

  it("are ended if nobody answers, also on a connection that has served requests", async () => {
    const { port } = await gateServer({}, {}, options);
    for (const before of ["", "GET / HTTP/1.1\r\nHost: x\r\n\r\n"]) {
      const connection = RawConnection.to(port);
      if (before !== "") {
        connection.write(before);
        await connection.until("not found");
      }
      connection.write(upgradeRequest("/other"));
      await connection.over;
      expect(connection.received).toMatch(
        /HTTP\/1\.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n$/,
      );
      expect(connection.received).not.toContain("101");
    }
  });

  it("belong to whoever answers", async () => {
    const server = createServer();
    attach(server, { path: "/socket.io/", onRequest: answering("ours"), onUpgrade: () => {}, ...options });
    server.on("upgrade", (_req, socket) => socket.write("HTTP/1.1 101 Switching Protocols\r\n\r\n"));
    let ended = false;
    const connection = RawConnection.to(await listen(server)).write(upgradeRequest("/other"));
    void connection.over.then(() => {
      ended = true;
    });
    await connection.until("101");
    await new Promise((resolve) => setTimeout(resolve, 60));
    expect(ended).toBe(false);
    connection.reset();
  });

  it("are left alone on request, or if upgrades are not taken", async () => {
    for (const attached of [{ ...options, destroyUpgrade: false }, options]) {
      const server = createServer();
      const onUpgrade = "destroyUpgrade" in attached ? () => {} : undefined;
      attach(server, { path: "/socket.io/", onRequest: answering("ours"), onUpgrade, ...attached });
      const upgraded = new Promise<void>((resolve) => {
        server.on("upgrade", (_req, socket) => {
          // Where upgrades are not taken, nobody listens but the app.
          socket.on("error", () => {});
          resolve();
        });
      });
      let ended = false;
      const connection = RawConnection.to(await listen(server)).write(upgradeRequest("/other"));
      void connection.over.then(() => {
        ended = true;
      });
      await upgraded;
      await new Promise((resolve) => setTimeout(resolve, 60));
      expect(ended).toBe(false);
      connection.reset();
    }
  });

  it.each([
    ["a reset", "/other", {}],
    ["an HTTP/2 upgrade and a reset", "/other", { Upgrade: "h2c", Connection: "Upgrade, HTTP2-Settings" }],
    ["an HTTP/2 upgrade of ours and a reset", "/engine.io/", { Upgrade: "h2c" }],
  ])("survive %s", async (_name, target, headers) => {
    const { port } = await gateServer({}, {}, options);
    for (let count = 0; count < 5; count++) {
      const connection = RawConnection.to(port).write(upgradeRequest(target, headers));
      await new Promise(setImmediate);
      connection.reset();
      await connection.over;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect((await ask(port, { target: "/" })).status).toBe(404);
  });
});
