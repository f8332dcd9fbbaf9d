import { describe, expect } from "vitest";
import { type OpenStream, openStream } from "../../packages/transport/test/server/stream-client.js";
import { attack, type Scene } from "../support/attack.js";
import { http, requestBytes } from "../support/rawsocket.js";
import { until } from "../support/wait.js";

// Sessions over `sse`, `stream` and `iframe`, on a whole server with a client that must notice nothing. What a pipe by itself
// answers to bad input is in packages/transport/test/server/streaming.test.ts.

const KINDS = ["sse", "stream", "iframe"] as const;
const pathOf = (name: string): string => `/socket.io/?EIO=4&transport=${name}&b64=1&c=1`;

interface Streamer {
  readonly stream: OpenStream;
  readonly target: string;
}

/** A session that has joined the main namespace. */
async function joinByStream({ port, gone }: Scene, name: string): Promise<Streamer> {
  const stream = await openStream(port, pathOf(name));
  await stream.until("maxPayload");
  const sid = /sid[\\":]*([\w-]+)/.exec(stream.body)?.[1];
  const target = `${pathOf(name)}&sid=${sid}`;
  expect((await http(port, { method: "POST", target, body: "40" })).status).toBe(200);
  await stream.until("40{");
  expect(gone).toEqual([]);
  return { stream, target };
}

const ended = (gone: readonly string[]): Promise<void> => until(() => gone.length > 0, "the session to end");

describe.each(KINDS)("over %s", (name) => {
  attack("a second reader ends the session of that id, and no other", async (scene) => {
    const { stream, target } = await joinByStream(scene, name);
    expect((await http(scene.port, { target })).status).toBe(400);
    await stream.ended();
    await ended(scene.gone);
    expect(scene.gone).toEqual(["transport error"]);
    expect((await http(scene.port, { target })).body).toContain("Session ID unknown");
  });

  attack(
    "a second writer while half a body is there ends the session, and both are answered",
    async (scene) => {
      const { stream, target } = await joinByStream(scene, name);
      const half = scene.line();
      half.write(
        requestBytes({ method: "POST", target, headers: { "Content-Length": "9", Expect: "100-continue" } }),
      );
      half.write("42");
      expect((await half.answer()).status).toBe(100);
      expect((await http(scene.port, { method: "POST", target, body: '42["e"]' })).status).toBe(400);
      expect((await half.answer()).status).toBe(400);
      await stream.ended();
      await ended(scene.gone);
      expect([scene.gone, scene.heard]).toEqual([["transport error"], []]);
    },
  );

  attack(
    "a body that is too large: 413, and nothing of it is heard",
    async (scene) => {
      const { stream, target } = await joinByStream(scene, name);
      const body = `42["e","${"x".repeat(5000)}"]`;
      expect(await http(scene.port, { method: "POST", target, body })).toMatchObject({
        status: 413,
        body: "",
      });
      await stream.ended();
      await ended(scene.gone);
      expect([scene.gone, scene.heard]).toEqual([["transport error"], []]);
    },
    { maxHttpBufferSize: 5000 },
  );

  attack("sessions of other transports are not to be had by their id", async (scene) => {
    const { poller } = await scene.joinByPolling();
    const { wire, socket } = await scene.join();
    const sids = [poller.open.sid, (socket.conn as unknown as { readonly id: string }).id];
    for (const sid of sids) {
      for (const method of ["GET", "POST"]) {
        const target = `${pathOf(name)}&sid=${sid}`;
        const answer = await http(scene.port, {
          method,
          target,
          ...(method === "POST" && { body: '42["e"]' }),
        });
        expect([answer.status, answer.body]).toEqual([400, expect.stringContaining('"code":3')]);
      }
    }
    expect([scene.gone, scene.heard]).toEqual([[], []]);
    wire.end();
  });

  attack(
    "responses that nobody joins with end",
    async (scene) => {
      const streams = await Promise.all(
        Array.from({ length: 50 }, () => openStream(scene.port, pathOf(name))),
      );
      await Promise.all(streams.map((stream) => stream.ended()));
      // That of the client that behaves well.
      await until(() => scene.io.engine.clientsCount === 1, "the sessions to end");
    },
    { connectTimeout: 200 },
  );

  attack(
    "count as sessions of their address",
    async (scene) => {
      const { stream } = await joinByStream(scene, name);
      expect((await http(scene.port, { target: pathOf(name) })).status).toBe(429);
      stream.abort();
      await ended(scene.gone);
    },
    { limits: { maxSessionsPerAddress: 2 } },
  );

  attack("what others say stays data, whatever it looks like", async (scene) => {
    const { stream } = await joinByStream(scene, name);
    const text = `</script><script>alert(1)</script><!--\r\n\r\ndata: 41\n\nid: 1\revent: x\0\u2028%`;
    scene.io.emit("said", text, { [text]: 1 });
    scene.io.emit("after");
    await stream.until("after");
    const said = stream.body.slice(stream.body.indexOf("said"));
    expect(said).not.toMatch(name === "iframe" ? /<script>|<!--/ : /[\r\0]|\n(id|event|data: 41)/);
    stream.abort();
    await ended(scene.gone);
  });
});

describe("callbacks of iframes", () => {
  attack("are digits and nothing else: 400, and what was sent is not in the answer", async ({ port }) => {
    const path = "/socket.io/?EIO=4&transport=iframe";
    for (const c of [
      "alert",
      "1;alert(1)",
      "</script><script>alert(1)//",
      "1\r\nX-A: alert",
      "__proto__",
      "",
      "9".repeat(21),
    ]) {
      const answer = await http(port, { target: `${path}&c=${encodeURIComponent(c)}` });
      expect([answer.status, answer.headers["content-type"]], c).toEqual([
        400,
        expect.stringMatching(/json/),
      ]);
      for (const word of ["alert", "script", "__proto__"]) expect(answer.text, c).not.toContain(word);
    }
  });

  attack("speak to no other origin than those that are allowed: 403", async ({ port }) => {
    for (const origin of [
      "https://evil.test",
      "null",
      "*",
      "https://a.test.evil.test",
      'https://a.test"+alert(1)+"',
    ]) {
      const target = `${pathOf("iframe")}&origin=${encodeURIComponent(origin)}`;
      const answer = await http(port, { target });
      expect(answer.status, origin).toBe(403);
      expect(answer.text, origin).not.toContain("alert");
    }
  });
});
