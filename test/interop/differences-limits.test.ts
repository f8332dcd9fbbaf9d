import type { Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe, expect } from "vitest";
import { joinByPolling, openSession } from "../support/rawsocket.js";
import { serverHalf } from "../support/servers.js";
import { once, turn, until } from "../support/wait.js";
import { clientsDiffer, differs, ends, pair, raw, serve, thrown } from "./differ.js";

// Rows of docs/differences.md about what one client may cost, and about when what happens.

const MIB = "x".repeat(1024 * 1024);

/** The code of what a call throws, or "sent". */
function refusal(act: () => unknown): string {
  return (thrown(act) as { code?: string } | undefined)?.code ?? "sent";
}

describe("limits", () => {
  clientsDiffer(
    "a client's emit above maxHttpBufferSize",
    { stock: "sent", sockeye: "ERR_PACKET_TOO_LARGE" },
    async (name) => {
      const { client } = await pair("socket.io 4", name, {}, { maxHttpBufferSize: 1000 });
      return refusal(() => client.emit("e", "x".repeat(2000)));
    },
  );

  differs(
    "24 MiB for a reader that has stopped",
    { stock: "kept", sockeye: "ERR_OUTBOUND_FULL" },
    async (server) => {
      const site = await serve(server);
      const { wire, socket } = await raw(site);
      const gone: Promise<unknown[]> = once(socket, "disconnect");
      gone.catch(() => {});
      wire.ws.pause();
      for (let n = 0; n < 24 && socket.connected; n++) {
        socket.emit("e", MIB);
        await turn();
      }
      if (socket.connected) return "kept";
      const [, details] = (await gone) as [string, { code: string }];
      return details.code;
    },
  );

  differs("an event without a name", { stock: "sent", sockeye: "ERR_BAD_EVENT_NAME" }, async (server) => {
    const { io } = await serve(server);
    return refusal(() => io.emit(undefined as never, 1));
  });

  differs(
    "eleven pieces of bytes",
    { stock: "sent", sockeye: "ERR_TOO_MANY_ATTACHMENTS" },
    async (server) => {
      const { io } = await serve(server);
      return refusal(() => io.emit("e", ...Array<Buffer>(11).fill(Buffer.of(1))));
    },
  );

  differs("a number as a raw message", { stock: "sent", sockeye: "ERR_UNENCODABLE" }, async (server) => {
    const { socket } = await raw(await serve(server));
    return refusal(() => (socket.conn as unknown as { send(data: unknown): void }).send(42));
  });

  differs(
    "a message over maxHttpBufferSize on a WebSocket",
    { stock: [1009, ""], sockeye: [1009, "ERR_PACKET_TOO_LARGE (maxMessageBytes)"] },
    async (server) => {
      const site = await serve(server, { maxHttpBufferSize: 1000 });
      const { wire } = await raw(site);
      const closed = new Promise((resolve) =>
        wire.ws.once("close", (code, reason) => resolve([code, reason.toString()])),
      );
      wire.send(`42["e","${"x".repeat(2000)}"]`);
      return closed;
    },
  );

  differs(
    "bytes that are announced and do not come",
    { stock: "waited for", sockeye: "parse error" },
    async (server) => {
      const site = await serve(server, { pingInterval: 50, pingTimeout: 8000 });
      const { wire, socket } = await raw(site);
      const gone = once(socket, "disconnect");
      gone.catch(() => {});
      wire.send('451-["e",{"_placeholder":true,"num":0}]');
      for (let pings = 0; pings < 5 && wire.open; pings++) {
        const frame = await Promise.race([wire.next("a ping"), wire.closed]);
        if (frame === "2") wire.send("3");
        else break;
      }
      if (socket.connected) return "waited for";
      return (await gone)[0];
    },
  );

  differs("the 10,001st room", { stock: undefined, sockeye: "ERR_TOO_MANY_ROOMS" }, async (server) => {
    const { socket } = await pair(server);
    // Its own is one of them.
    for (let n = 1; n < 10_000; n++) socket.join(`room ${n}`);
    return (thrown(() => socket.join("one more")) as { code: string } | undefined)?.code;
  });

  differs(
    "the 129th namespace of a connection",
    { stock: "joined", sockeye: '44/n128,{"message":"Too many namespaces"}' },
    async (server) => {
      const site = await serve(server);
      site.io.of(/^\/n\d+$/);
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      for (let n = 0; n < 128; n++) {
        wire.send(`40/n${n},`);
        expect(await wire.nextMessage()).toContain(`40/n${n},`);
      }
      wire.send("40/n128,");
      const answer = String(await wire.nextMessage());
      return answer.startsWith("40/n128,") ? "joined" : answer;
    },
  );

  differs(
    "17 KiB of auth",
    {
      stock: "joined",
      sockeye: '44{"message":"Auth payload too large","data":{"code":"ERR_AUTH_TOO_LARGE"}}',
    },
    async (server) => {
      const site = await serve(server);
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send(`40{"token":"${"x".repeat(17 * 1024)}"}`);
      const answer = String(await wire.nextMessage());
      return answer.startsWith("40{") ? "joined" : answer;
    },
  );

  differs(
    "a hundred messages without an end",
    { stock: "kept", sockeye: "1008 ERR_MEMORY_BUDGET (maxProcessBytes)" },
    async (server) => {
      // The default is a quarter of this process's memory, which is too much to fill here.
      const site = await serve(server, { limits: { maxProcessBytes: 10_000_000 } } as object);
      const closed: string[] = [];
      for (let n = 0; n < 100 && closed.length === 0; n++) {
        const { wire } = await raw(site);
        wire.ws.once("close", (code, reason) => closed.push(`${code} ${reason}`));
        const head = Buffer.alloc(14);
        head[0] = 0x82;
        head[1] = 0x80 | 127;
        head.writeUInt32BE(300_000, 6);
        const { _socket: socket } = wire.ws as unknown as { _socket: NodeJS.WritableStream };
        await new Promise<void>((resolve) =>
          socket.write(Buffer.concat([head, Buffer.alloc(200_000)]), () => resolve()),
        );
        await turn();
      }
      return closed[0] ?? "kept";
    },
  );

  differs("11,100 events missed while recovery is on", { stock: true, sockeye: false }, async (server) => {
    const site = await serve(server, { connectionStateRecovery: {} });
    const { wire } = await openSession(site.port);
    wire.send("40");
    const { sid, pid } = JSON.parse(String(await wire.nextMessage()).slice(2)) as {
      sid: string;
      pid: string;
    };
    const socket = await serverHalf(site, { id: sid } as ClientSocket);
    socket.emit("e");
    const offset = (JSON.parse(String(await wire.nextMessage()).slice(2)) as string[])[1];
    const gone = once(socket, "disconnect");
    wire.end();
    await gone;
    for (let n = 0; n < 11_100; n++) site.io.emit("e");
    const again = (await openSession(site.port)).wire;
    ends.push(() => again.end());
    const back = new Promise<Socket>((resolve) => site.io.once("connection", resolve));
    again.send(`40${JSON.stringify({ pid, offset })}`);
    return (await back).recovered;
  });

  differs("the eleventh listener", { stock: 1, sockeye: 0 }, async (server) => {
    const { io } = await serve(server);
    const warnings: Error[] = [];
    const listen = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", listen);
    ends.push(() => process.off("warning", listen));
    const nsp = io.of("/listeners");
    for (let n = 0; n < 11; n++) nsp.on("connection", () => {});
    await turn();
    return warnings.filter(({ name }) => name === "MaxListenersExceededWarning").length;
  });
});

describe("when", () => {
  differs(
    "handlers run, seen from the packets",
    { stock: ["packet", "packet", "a", "b"], sockeye: ["packet", "a", "packet", "b"] },
    async (server) => {
      const site = await serve(server);
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as ClientSocket);
      const seen: string[] = [];
      socket.conn.on("packet", ({ type }) => type === "message" && seen.push("packet"));
      for (const name of ["a", "b"]) socket.on(name, () => seen.push(name));
      await poller.post('42["a"]\u001e42["b"]');
      await until(() => seen.length === 4, "both events");
      return seen;
    },
  );

  differs(
    "a namespace is joined a second time while a middleware decides",
    { stock: { runs: 2, joined: 2 }, sockeye: { runs: 1, joined: 1 } },
    async (server) => {
      const site = await serve(server);
      const waiting: (() => void)[] = [];
      site.io.use((_socket, next) => void waiting.push(next));
      site.io.of("/other");
      let joined = 0;
      site.io.on("connection", () => {
        joined += 1;
      });
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send("40", "40", "40/other,");
      await wire.nextMessage();
      // What had begun when both had come.
      const runs = waiting.length;
      while (waiting.length > 0) {
        for (const next of waiting.splice(0)) next();
        for (let n = 0; n < 10; n++) await turn();
      }
      return { runs, joined };
    },
  );

  differs<unknown>(
    "a connection joins and leaves a namespace 600 times",
    { stock: "as often as it likes", sockeye: "512 times, and as often as time has passed" },
    async (server) => {
      const site = await serve(server);
      let joined = 0;
      site.io.on("connection", () => {
        joined += 1;
      });
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      for (let n = 0; n < 600; n++) {
        wire.send("40");
        if (String(await wire.nextMessage()).startsWith("40")) wire.send("41");
        // Socket.IO closes a connection that joins again before it has seen it leave.
        await until(() => site.io.of("/").sockets.size === 0, "it to leave");
      }
      if (joined === 600) return "as often as it likes";
      return joined >= 512 ? "512 times, and as often as time has passed" : joined;
    },
  );

  differs(
    "a connection that has left its last namespace, after connectTimeout",
    { stock: "open", sockeye: "closed" },
    async (server) => {
      const site = await serve(server, { connectTimeout: 100 });
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send("40");
      await wire.nextMessage();
      wire.send("41");
      return Promise.race([
        wire.closed.then(() => "closed"),
        new Promise((resolve) => setTimeout(() => resolve("open"), 1500)),
      ]);
    },
  );

  differs(
    "middlewares of a second namespace and of the engine that never decide, after connectTimeout",
    {
      stock: ["nothing", "nothing"],
      sockeye: [
        '44/late,{"message":"Not decided in time","data":{"code":"ERR_JOIN_TIMEOUT"}}',
        "TypeError: fetch failed",
      ],
    },
    async (server) => {
      const site = await serve(server, { connectTimeout: 300 });
      site.io.of("/late").use((_socket, _next) => {});
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send("40");
      await wire.nextMessage();
      wire.send("40/late,");
      site.io.engine.use(() => {});
      const nothing = new Promise<string>((resolve) => setTimeout(() => resolve("nothing"), 1500));
      const request = fetch(`http://127.0.0.1:${site.port}/socket.io/?EIO=4&transport=polling`);
      const answered = request.then(() => "answered", String);
      return [await Promise.race([wire.nextMessage(), nothing]), await Promise.race([answered, nothing])];
    },
  );

  differs(
    "40,000 events that an asynchronous middleware does not decide about",
    { stock: "open", sockeye: "closed" },
    async (server) => {
      const site = await serve(server);
      let running = 0;
      site.io.on("connection", (socket) => {
        socket.use(() => {
          running++;
          return new Promise(() => {});
        });
      });
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send("40");
      await wire.nextMessage();
      for (let n = 0; n < 40_000; n++) wire.send('42["x"]');
      await until(() => running === 40_000 || !wire.open, "them to arrive");
      return wire.open ? "open" : "closed";
    },
  );

  differs<unknown>(
    "a malformed packet in a POST",
    { stock: [200, []], sockeye: [200, ["parse error"]] },
    async (server) => {
      const site = await serve(server);
      const { poller, sid } = await joinByPolling(site.port);
      const socket = await serverHalf(site, { id: sid } as ClientSocket);
      const reasons: unknown[] = [];
      socket.on("disconnect", (reason) => reasons.push(reason));
      const { status } = await poller.post('42["e"');
      for (let n = 0; n < 10; n++) await turn();
      return [status, reasons];
    },
  );
});
