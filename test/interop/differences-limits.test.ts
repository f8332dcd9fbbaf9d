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
    { stock: 2, sockeye: 1 },
    async (server) => {
      const site = await serve(server);
      const waiting: (() => void)[] = [];
      site.io.use((_socket, next) => void waiting.push(next));
      let joined = 0;
      site.io.on("connection", () => {
        joined += 1;
      });
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send("40", "40");
      await until(() => waiting.length === 2, "both at the middleware");
      for (const next of waiting) next();
      await wire.nextMessage();
      for (let n = 0; n < 10; n++) await turn();
      return joined;
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
