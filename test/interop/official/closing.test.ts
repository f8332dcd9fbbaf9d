import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ServerName } from "../../support/servers.js";
import { type Heartbeats, Host, type Kind } from "./host.js";
import { Peer } from "./peer.js";

// The public suites run with deadlines so short that every silent connection closes by itself, and thereby pass servers that close
// nothing. Here the heartbeat is the default of 25 s: what closes within the patience of a test was closed for its reason.

const ENGINE_FRAMES: Readonly<Record<string, string>> = {
  "a CLOSE": "1",
  "an OPEN": "0{}",
  "a PING": "2",
  "a type that there is not": "abc",
  "an empty frame": "",
};

/** Those that npm's server leaves open: a CLOSE it takes for the end of the session alone, and an OPEN for nothing. */
const LEFT_OPEN = new Set(["a CLOSE", "an OPEN"]);

const SOCKET_FRAMES: Readonly<Record<string, string>> = {
  "a type that there is not": "4abc",
  "an event that is no array": "42{}",
  "an event without a name": "42[]",
  "an event that is no JSON": '42["message"',
  "an id that is no number": '42abc["message"]',
  "an acknowledgement that is no array": "431{}",
};

/** POSTs that end the session. */
const POSTS: Readonly<Record<string, string>> = {
  "no payload": "abc",
  "a PING": "2",
  "a CLOSE": "1",
  "a good packet and a bad one": "40\u001eabc",
};

const UNKNOWN = '{"code":1,"message":"Session ID unknown"}';

function onHost(
  server: ServerName,
  kind: Kind,
  heartbeats: Heartbeats,
  tests: (peer: () => Peer) => void,
): void {
  const path = kind === "sockets" ? "/socket.io/" : "/engine.io/";
  describe(`${kind}, ${heartbeats} heartbeats`, () => {
    let host: Host;
    let peer: Peer | undefined;
    beforeAll(async () => {
      host = await Host.start(server, kind, heartbeats);
    }, 40_000);
    afterAll(() => {
      peer?.end();
      host?.end();
    });
    tests(() => {
      peer ??= new Peer(host, path, 4);
      return peer;
    });
  });
}

for (const server of ["sockeye", "socket.io 4"] as const) {
  const retry = server === "sockeye" ? 2 : 10;
  describe(`the server of ${server}`, () => {
    onHost(server, "engine 4", "default", (peer) => {
      const frames = Object.entries(ENGINE_FRAMES).filter(
        ([name]) => server === "sockeye" || !LEFT_OPEN.has(name),
      );
      it.for(frames)("%s closes a WebSocket", { retry }, async ([, frame]) => {
        const socket = await peer().opened();
        socket.send(frame);
        await socket.next("close");
      });
    });

    onHost(server, "sockets", "default", (peer) => {
      it.for(Object.entries(SOCKET_FRAMES))("%s closes a WebSocket", { retry }, async ([, frame]) => {
        const socket = await peer().opened();
        socket.send("40");
        await socket.message();
        await socket.message();
        socket.send(frame);
        await socket.next("close");
      });

      it.for(Object.entries(POSTS))(
        "a POST of %s: the next poll is refused",
        { retry },
        async ([, payload]) => {
          const sid = await peer().session();
          await peer().push(sid, payload);
          expect(await peer().poll(sid)).toMatchObject({ status: 400, body: UNKNOWN });
        },
      );

      it("a poll that waits is told of a POST that is no payload", { retry }, async () => {
        const sid = await peer().session();
        const waiting = peer().poll(sid);
        await peer().push(sid, "abc");
        expect(await waiting).toMatchObject({
          status: 200,
          body: server === "sockeye" ? "1" : expect.any(String),
        });
      });

      it("disconnect(true) between two polls is told to the next one", { retry }, async () => {
        const sid = await peer().session();
        await peer().push(sid, "40");
        expect((await peer().poll(sid)).body).toContain('42["auth",{}]');
        await peer().push(sid, '42["leave"]');
        // npm's server may write DISCONNECT and CLOSE one by one.
        let last: string | undefined;
        for (let polls = 0; polls < 3 && last !== "1"; polls++) {
          const { status, body } = await peer().poll(sid);
          expect(status).toBe(200);
          last = body.split("\u001e").at(-1);
        }
        expect(last).toBe("1");
        expect((await peer().poll(sid)).status).toBe(400);
      });
    });

    onHost(server, "sockets", "short connect", (peer) => {
      it("connectTimeout closes a WebSocket that joins no namespace", { retry }, async () => {
        const socket = await peer().opened();
        await socket.next("close");
      });

      it("connectTimeout does not close one that has joined", { retry }, async () => {
        const socket = await peer().opened();
        socket.send("40");
        await socket.message();
        await socket.message();
        const other = await peer().opened();
        // It came later, so its time is over later.
        await other.next("close");
        socket.send('42["message",1]');
        expect(await socket.message()).toBe('42["message-back",1]');
      });
    });
  });
}
