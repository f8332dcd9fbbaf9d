import { EncodedPacket } from "@sockeye/protocol";
import { describe, expect, it, vi } from "vitest";
import { type FakeSession, type GateServer, gateServer } from "./gate-server.js";
import { ask, clientFrame, RawConnection, upgradeRequest } from "./raw-client.js";
import { openStream } from "./stream-client.js";

// What ends a transport and what only loses it: PROTOCOL.md, "Loss" and "Numbered requests".

const FIN_CLOSE = 0x88;
const FIN_PING = 0x89;

function only({ acceptor }: GateServer): FakeSession {
  return acceptor.session("sid-1");
}

function codeOf(code: number): Buffer {
  return Buffer.from([code >> 8, code & 0xff]);
}

async function webSocketOf(server: GateServer): Promise<RawConnection> {
  const target = "/engine.io/?EIO=4&transport=websocket&resume=offer";
  const connection = RawConnection.to(server.port).write(upgradeRequest(target));
  await connection.until('0{"sid"');
  return connection;
}

describe.each(["own", "ws"] as const)("a WebSocket read by %s", (webSockets) => {
  const ends: (readonly [what: string, how: "lost" | "closed", end: (peer: RawConnection) => unknown])[] = [
    ["is reset", "lost", (peer) => peer.reset()],
    ["is ended without a close frame", "lost", (peer) => peer.socket.end()],
    ["is closed without a code", "closed", (peer) => peer.write(clientFrame(FIN_CLOSE))],
    ...[1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 3000, 4000, 4002].map(
      (code) =>
        [
          `is closed with ${code}`,
          "closed",
          (peer: RawConnection) => peer.write(clientFrame(FIN_CLOSE, codeOf(code))),
        ] as const,
    ),
    ...[1011, 1012, 1013, 1014, 4001].map(
      (code) =>
        [
          `is closed with ${code}`,
          "lost",
          (peer: RawConnection) => peer.write(clientFrame(FIN_CLOSE, codeOf(code))),
        ] as const,
    ),
    ["carries what is no frame", "closed", (peer) => peer.write(Buffer.from([0xff, 0x80, 0, 0, 0, 0]))],
    ["carries text that is no UTF-8", "closed", (peer) => peer.write(clientFrame(0x81, Buffer.from([0xff])))],
  ];

  it.each(ends)("that %s is %s", async (_what, how, end) => {
    const server = await gateServer({ webSockets });
    const peer = await webSocketOf(server);
    end(peer);
    await vi.waitFor(() => expect(only(server).endings).toHaveLength(1));
    expect(only(server).losses).toBe(how === "lost" ? 1 : 0);
    peer.reset();
  });

  it("is closed with 4001 by a server whose session goes on elsewhere", async () => {
    const server = await gateServer({ webSockets });
    const peer = await webSocketOf(server);
    only(server).transport.close("moved");
    await peer.until("\x88\x02\x0f\xa1");
    peer.reset();
  });
});

it("a WebSocket of a peer that asks for more pongs than it reads is closed, and not lost", async () => {
  const server = await gateServer({ webSockets: "own" });
  const peer = await webSocketOf(server);
  peer.socket.pause();
  const payload = Buffer.alloc(125);
  const flood = Buffer.concat(Array.from({ length: 2000 }, () => clientFrame(FIN_PING, payload)));
  for (let chunk = 0; chunk < 200 && only(server).endings.length === 0; chunk++) {
    peer.write(flood);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(only(server).endings).toHaveLength(1));
  expect(only(server).losses).toBe(0);
  peer.reset();
});

const KINDS = ["polling", "sse", "stream", "iframe"] as const;

describe.each(KINDS)("over %s, in a session that is counted", (kind) => {
  const base = `/engine.io/?EIO=4&transport=${kind}&c=1`;
  const at = (number: unknown): string => `${base}&sid=sid-1&n=${number}`;

  /** A session whose first response is over, and a GET that waits if `waiting`. */
  async function session(query = "&resume=offer"): Promise<GateServer> {
    const server = await gateServer();
    if (kind === "polling") await ask(server.port, { target: base + query });
    else {
      const first = await openStream(server.port, base + query);
      await first.until("sid-1");
      // As a session does when it releases a pipe.
      only(server).transport.send([new EncodedPacket("6")]);
      await first.ended();
    }
    return server;
  }

  const post = (server: GateServer, number: unknown, body = "4x") =>
    ask(server.port, { method: "POST", target: at(number), body });

  it("numbered requests come in", async () => {
    const server = await session();
    const get = openStream(server.port, at(1));
    await vi.waitFor(() => expect(only(server).transport.writable).toBe(true));
    only(server).send("4a");
    expect((await get).status).toBe(200);
    expect(await post(server, 1, "4one")).toMatchObject({ status: 200, body: "ok" });
    expect(await post(server, 2, "4two")).toMatchObject({ status: 200, body: "ok" });
    // A proxy sends it again, with whatever body.
    expect(await post(server, 2, "4three")).toMatchObject({ status: 200, body: "ok" });
    expect(only(server).frames).toEqual(["4one", "4two"]);
    expect(only(server).endings).toEqual([]);
    (await get).abort();
  });

  it.each([2, -1, "x", "", "1&n=1", "9007199254740993"])(
    "a POST with the number %s loses the transport",
    async (number) => {
      const server = await session();
      expect(await post(server, number)).toMatchObject({ status: 400, body: "" });
      expect(only(server).losses).toBe(1);
      expect(only(server).frames).toEqual([]);
    },
  );

  it("a POST older than the last loses the transport", async () => {
    const server = await session();
    for (const number of [1, 2, 3]) await post(server, number);
    expect((await post(server, 2)).status).toBe(400);
    expect(only(server).losses).toBe(1);
  });

  it.each([2, "x", ""])("a GET with the number %s loses the transport", async (number) => {
    const server = await session();
    expect((await ask(server.port, { target: at(number) })).status).toBe(400);
    expect(only(server).losses).toBe(1);
  });

  it("a GET that comes again loses the transport, and the one that waits is not told that the session is over", async () => {
    const server = await session();
    const waiting = kind === "polling" ? ask(server.port, { target: at(1) }) : openStream(server.port, at(1));
    await vi.waitFor(() => expect(only(server).transport.writable).toBe(true));
    expect((await ask(server.port, { target: at(1) })).status).toBe(400);
    expect(only(server).losses).toBe(1);
    const first = await waiting;
    if ("state" in first) {
      await vi.waitFor(() => expect(first.state).toBe("broken"));
    } else {
      expect(first).toMatchObject({ status: 400, body: "" });
    }
  });

  it("a POST beside one that is read loses the transport, and neither is taken", async () => {
    const server = await session();
    const slow = RawConnection.to(server.port).write(
      `POST ${at(1)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n4s`,
    );
    await vi.waitFor(() => expect(server.unanswered.size).toBe(1));
    expect((await post(server, 1)).status).toBe(400);
    expect(only(server).losses).toBe(1);
    slow.write("lo");
    await slow.until("HTTP/1.1 400");
    expect(only(server).frames).toEqual([]);
    slow.reset();
  });

  it("requests that break off lose the transport", async () => {
    const server = await session();
    const slow = RawConnection.to(server.port).write(
      `POST ${at(1)} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 4\r\n\r\n4s`,
    );
    await vi.waitFor(() => expect(server.unanswered.size).toBe(1));
    slow.reset();
    await vi.waitFor(() => expect(only(server).losses).toBe(1));
    const other = await session();
    const get = RawConnection.to(other.port).write(`GET ${at(1)} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`);
    await vi.waitFor(() => expect(only(other).transport.writable).toBe(true));
    get.reset();
    await vi.waitFor(() => expect(only(other).losses).toBe(1));
  });

  it("a session that has ended tells the next requests, whatever their numbers", async () => {
    const server = await session();
    only(server).transport.close("goodbye");
    // As far as the gate can see.
    only(server).endings.push({ reason: "forced close", cause: undefined });
    expect(await post(server, 7)).toMatchObject({ status: 200, body: "ok" });
    const target = at(9);
    if (kind === "polling") {
      expect(await ask(server.port, { target })).toMatchObject({ status: 200, body: "1" });
    } else {
      const last = await openStream(server.port, target);
      await last.ended();
      expect(last.body).toContain("1");
      expect(last.state).toBe("whole");
    }
    expect(only(server).frames).toEqual([]);
  });

  it.each([
    ["that is no payload", "\x1e", 400, "parse error"],
    ["that is too large", "4".repeat(1_000_001), 413, "transport error"],
  ])("a body %s ends the session", async (_what, body, status, reason) => {
    const server = await session();
    expect((await post(server, 1, body)).status).toBe(status);
    expect(only(server).endings).toMatchObject([{ reason }]);
    expect(only(server).losses).toBe(0);
  });
});

describe("in a session that is not counted", () => {
  it("nobody looks at numbers", async () => {
    const server = await gateServer();
    const target = "/engine.io/?EIO=4&transport=polling";
    await ask(server.port, { target });
    for (const n of ["7", "7", "x", "1"]) {
      const answer = await ask(server.port, {
        method: "POST",
        target: `${target}&sid=sid-1&n=${n}`,
        body: `4${n}`,
      });
      expect(answer.status).toBe(200);
    }
    expect(only(server).frames).toEqual(["47", "47", "4x", "41"]);
  });

  it("who loses the transport is told that the session is over", async () => {
    const server = await gateServer();
    const target = "/engine.io/?EIO=4&transport=polling";
    await ask(server.port, { target });
    const poll = ask(server.port, { target: `${target}&sid=sid-1` });
    await vi.waitFor(() => expect(only(server).transport.writable).toBe(true));
    expect((await ask(server.port, { target: `${target}&sid=sid-1` })).status).toBe(400);
    expect(await poll).toMatchObject({ status: 200, body: "1" });
  });
});
