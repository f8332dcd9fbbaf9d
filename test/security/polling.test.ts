import { describe, expect } from "vitest";
import { attack, SUBJECT, timed } from "../support/attack.js";
import { http, type Line, type Poller, requestBytes } from "../support/rawsocket.js";
import { once, turn, until } from "../support/wait.js";

// Polling sessions and what can be done to them over HTTP.

const SEPARATOR = "\u001e";
/** What a session that is over may still say. */
const GOODBYES: ReadonlySet<string> = new Set(["41", "1", "6"]);
const UNKNOWN = { status: 400, body: '{"code":1,"message":"Session ID unknown"}' };

/** A request of a session that the test reads and ends itself. */
function open(
  line: Line,
  poller: Poller,
  request: { method?: string; body?: string; headers?: Record<string, string> } = {},
): Line {
  line.write(requestBytes({ target: poller.target, ...request }));
  return line;
}

/** The session is no more. */
async function isGone(poller: Poller): Promise<void> {
  for (;;) {
    const answer = await poller.poll();
    // A closed session may say goodbye once.
    if (answer.status === 200 && answer.body.split(SEPARATOR).every((packet) => GOODBYES.has(packet)))
      continue;
    expect(answer).toMatchObject(UNKNOWN);
    break;
  }
  expect(await poller.post("3")).toMatchObject(UNKNOWN);
}

describe("bodies that are too large", () => {
  const limit = { maxHttpBufferSize: 5_000 };

  attack(
    "by what they declare: 413 at once, session closed (S9)",
    async ({ line, joinByPolling, gone }) => {
      for (const length of ["5001", "1000000000000"]) {
        const { poller } = await joinByPolling();
        const peer = line();
        peer.write(
          requestBytes({ method: "POST", target: poller.target, headers: { "Content-Length": length } }),
        );
        if (SUBJECT === "sockeye") expect(await peer.answer()).toMatchObject({ status: 413, body: "" });
        peer.end();
        await until(() => gone.length > 0, "the session to end");
        expect(gone.splice(0)).toEqual(["transport error"]);
      }
    },
    limit,
  );

  attack(
    "in one piece: 413, session closed (S9)",
    async ({ joinByPolling, heard }) => {
      const { poller } = await joinByPolling();
      expect(await poller.post(`42["e","${"x".repeat(5_000)}"]`)).toMatchObject({ status: 413, body: "" });
      if (SUBJECT === "sockeye") await isGone(poller);
      expect(heard).toEqual([]);
    },
    limit,
  );

  attack(
    "in chunks without a length: 413, session closed (S9)",
    async ({ line, joinByPolling, heard, gone }) => {
      const { poller } = await joinByPolling();
      const peer = line();
      peer.write(
        requestBytes({ method: "POST", target: poller.target, headers: { "Transfer-Encoding": "chunked" } }),
      );
      const chunk = `1000\r\n${"x".repeat(0x1000)}\r\n`;
      for (let n = 0; n < 4; n++) {
        peer.write(chunk);
        await turn();
      }
      peer.write("0\r\n\r\n");
      expect(await peer.answer()).toMatchObject({ status: 413, body: "" });
      peer.end();
      if (SUBJECT === "sockeye") {
        await until(() => gone.length === 1, "the session to end");
        await isGone(poller);
      }
      expect(heard).toEqual([]);
    },
    limit,
  );

  attack(
    "by characters that are longer than they look: 413 (S9)",
    async ({ joinByPolling }) => {
      const { poller } = await joinByPolling();
      expect(await poller.post(`42["e","${"😀".repeat(1_300)}"]`)).toMatchObject({ status: 413 });
    },
    limit,
  );

  attack(
    "by not one byte are taken",
    async ({ joinByPolling, heard }) => {
      const { poller } = await joinByPolling();
      const text = "x".repeat(5_000 - '42["e",""]'.length);
      expect(await poller.post(`42["e","${text}"]`)).toMatchObject({ status: 200, body: "ok" });
      await turn();
      expect(heard).toEqual([["e", text]]);
    },
    limit,
  );

  attack("only once they are unpacked are not unpacked (12)", async ({ joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    // 10 MB of zeros in 10 KB of gzip.
    const { gzipSync } = await import("node:zlib");
    const bomb = gzipSync(Buffer.alloc(10_000_000));
    const answer = await poller.post(bomb, { "Content-Encoding": "gzip" });
    expect([200, 400]).toContain(answer.status);
    await isGone(poller);
    expect(heard).toEqual([]);
  });
});

describe("bodies of very many packets", () => {
  attack(
    "beyond the limit: 400, session closed, at no cost (CVE-2026-32689, 8)",
    async ({ joinByPolling, roundTrip, heard }) => {
      for (const body of [
        `${`3${SEPARATOR}`.repeat(400_000)}3`,
        SEPARATOR.repeat(900_000),
        `4${SEPARATOR}`.repeat(300_000),
      ]) {
        const { poller } = await joinByPolling();
        const spent = await timed(async () => {
          const answer = await poller.post(body);
          if (SUBJECT === "sockeye") expect(answer).toMatchObject({ status: 400, body: "" });
        });
        expect(spent).toBeLessThan(1_500);
        await isGone(poller);
        await roundTrip();
      }
      expect(heard).toEqual([]);
    },
  );

  attack(
    "within the limit are handled, without recursion (CVE-2017-10910)",
    async ({ joinByPolling, heard }) => {
      const { poller } = await joinByPolling();
      const packets = Array.from({ length: 16_000 }, (_, n) => `42["e",${n}]`);
      expect(await poller.post(packets.join(SEPARATOR))).toMatchObject({ status: 200, body: "ok" });
      await until(() => heard.length === 16_000, "all events");
      expect(heard[15_999]).toEqual(["e", 15_999]);
    },
  );
});

describe("bodies that are no payload", () => {
  // `status` is Sockeye's; what the session then is like holds for all.
  const rows: readonly (readonly [name: string, body: string | Buffer, status: number])[] = [
    ["nothing", "", 400],
    ["a separator", SEPARATOR, 400],
    ["a separator at the end", `3${SEPARATOR}`, 400],
    ["an unknown packet", "x", 200],
    ["packet type 7", "7", 200],
    ["packet type 9 after a good one", `3${SEPARATOR}9`, 200],
    ["an OPEN", '0{"sid":"x"}', 200],
    ["a PING, which is the server's (1.20)", "2", 200],
    ["a broken Socket.IO packet", '42["a"', 200],
    ["no Socket.IO packet", "4", 200],
    ["binary that nobody announced", "bAQID", 200],
    ["JSON", '{"a":1}', 200],
    ["a form", "d=40", 200],
  ];
  for (const [name, body, status] of rows) {
    attack(`${name}: session closed`, async ({ joinByPolling, heard }) => {
      const { poller } = await joinByPolling();
      const answer = await poller.post(body);
      if (SUBJECT === "sockeye") expect(answer.status).toBe(status);
      await isGone(poller);
      expect(heard).toEqual([]);
    });
  }

  const strict: readonly (readonly [name: string, body: Buffer])[] = [
    ["text that is not UTF-8", Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xff, 0xfe, 0x22, 0x5d])],
    ["half a surrogate in UTF-8", Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xed, 0xa0, 0x80, 0x22, 0x5d])],
    ["base64 that is none", Buffer.from(`451-["e",{"_placeholder":true,"num":0}]${SEPARATOR}b!!!!`)],
  ];
  for (const [name, body] of strict) {
    attack(`${name}: 400, session closed`, async ({ joinByPolling, heard }) => {
      const { poller } = await joinByPolling();
      expect(await poller.post(body)).toMatchObject({ status: 400, body: "" });
      await isGone(poller);
      expect(heard).toEqual([]);
    });
  }

  attack("but for their type are taken: only bytes are refused (S13)", async ({ joinByPolling, heard }) => {
    for (const type of [
      "application/json",
      "text/html",
      "multipart/form-data; boundary=x",
      "",
      "__proto__",
    ]) {
      const { poller } = await joinByPolling();
      expect(await poller.post('42["typed"]', { "Content-Type": type }), type).toMatchObject({
        status: 200,
        body: "ok",
      });
    }
    await turn();
    expect(heard).toHaveLength(5);
  });

  attack("of bytes: 400, answered and closed (S13)", async ({ joinByPolling, io }) => {
    for (let n = 0; n < 20; n++) {
      const { poller } = await joinByPolling();
      const answer = await poller.post("40", { "Content-Type": "application/octet-stream" });
      expect(answer).toMatchObject({ status: 400, body: "" });
      if (n === 0) await isGone(poller);
    }
    await until(() => io.engine.clientsCount === 1, "all sessions to end");
  });

  attack("go on being ignored behind a CLOSE", async ({ joinByPolling, heard, gone }) => {
    const { poller } = await joinByPolling();
    expect(await poller.post(`42["before"]${SEPARATOR}1${SEPARATOR}42["after"]`)).toMatchObject({
      status: 200,
      body: "ok",
    });
    await until(() => gone.length === 1, "the session to end");
    expect(gone).toEqual(["transport close"]);
    expect(heard.filter(([name]) => name === "after")).toEqual([]);
  });
});

describe("requests that race", () => {
  attack(
    "two polls: the second 400, the first answered, session closed (14)",
    async ({ line, joinByPolling, gone }) => {
      const { poller, socket } = await joinByPolling();
      const first = open(line(), poller);
      await until(() => socket.conn.transport.writable, "the poll to wait");
      expect(await poller.poll()).toMatchObject({ status: 400, body: "" });
      expect((await first.answer()).status).toBe(200);
      await until(() => gone.length === 1, "the session to end");
      expect(gone).toEqual(["transport error"]);
      await isGone(poller);
    },
  );

  attack(
    "two POSTs: the second 400, the first answered or ended, session closed (14)",
    async ({ line, joinByPolling, gone, heard }) => {
      const { poller } = await joinByPolling();
      const first = line();
      first.write(
        requestBytes({ method: "POST", target: poller.target, headers: { "Content-Length": "10" } }),
      );
      first.write("42[");
      // The second must come while the first is being read.
      await turn();
      await turn();
      expect(await poller.post("3")).toMatchObject({ status: 400, body: "" });
      first.write('"late"]');
      first.socket.end();
      expect([0, 200, 400]).toContain((await first.answer()).status);
      await until(() => gone.length === 1, "the session to end");
      expect(heard).toEqual([]);
      await isGone(poller);
    },
  );

  attack("many of all kinds at once: each is answered (14)", async ({ joinByPolling, io }) => {
    const { poller } = await joinByPolling();
    const answers = await Promise.all(
      Array.from({ length: 30 }, (_, n) => {
        const method = ["GET", "POST", "PUT", "GET", "POST", "DELETE"][n % 6] ?? "GET";
        return http(poller.port, {
          method,
          target: poller.target,
          ...(method === "POST" ? { body: "3" } : {}),
        });
      }),
    );
    for (const { status } of answers) expect([200, 400, 500]).toContain(status);
    await until(() => io.engine.clientsCount === 1, "the session to end");
  });

  attack("other methods: 500, and the session goes on (14)", async ({ joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD", "PROPFIND"]) {
      expect(await http(poller.port, { method, target: poller.target }), method).toMatchObject({
        status: 500,
        body: "",
      });
    }
    await poller.post('42["still"]');
    await turn();
    expect(heard).toEqual([["still"]]);
  });

  attack("a poll that breaks off: session closed (14)", async ({ line, joinByPolling, gone }) => {
    const { poller, socket } = await joinByPolling();
    const poll = open(line(), poller);
    await until(() => socket.conn.transport.writable, "the poll to wait");
    poll.reset();
    await until(() => gone.length === 1, "the session to end");
    expect(gone).toEqual(["transport error"]);
    await isGone(poller);
  });

  attack("a body that breaks off: session closed (14)", async ({ line, joinByPolling, gone, heard }) => {
    for (const how of ["reset", "end"] as const) {
      const { poller } = await joinByPolling();
      const post = line();
      post.write(
        requestBytes({ method: "POST", target: poller.target, headers: { "Content-Length": "100" } }),
      );
      post.write('42["half"]');
      await turn();
      await turn();
      post[how]();
      await until(() => gone.length > 0, "the session to end");
      expect(gone.splice(0)).toEqual(["transport error"]);
      await isGone(poller);
    }
    expect(heard).toEqual([]);
  });

  attack("requests after the end: code 1 (14)", async ({ joinByPolling }) => {
    const { poller } = await joinByPolling();
    await poller.post("1");
    await isGone(poller);
  });

  attack(
    "a poll that breaks off while its answer is compressed: session closed once (S18)",
    async ({ line, joinByPolling, gone }) => {
      const { poller, socket } = await joinByPolling();
      const poll = open(line(), poller, { headers: { "Accept-Encoding": "gzip" } });
      await until(() => socket.conn.transport.writable, "the poll to wait");
      socket.emit("large", "x".repeat(900_000));
      poll.reset();
      await until(() => gone.length === 1, "the session to end");
      await turn();
      expect(gone).toHaveLength(1);
    },
  );

  attack("a slow body holds nobody up (11)", async ({ line, joinByPolling, roundTrip, heard }) => {
    const { poller } = await joinByPolling();
    const body = '42["drip"]';
    const peer = line();
    peer.write(
      requestBytes({
        method: "POST",
        target: poller.target,
        headers: { "Content-Length": String(body.length) },
      }),
    );
    for (const character of body) {
      peer.write(character);
      await roundTrip();
    }
    expect(await peer.answer()).toMatchObject({ status: 200, body: "ok" });
    await turn();
    expect(heard).toEqual([["drip"]]);
  });
});

describe("HTTP at its edges (14)", () => {
  attack("pipelined requests are answered in order", async ({ line, joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    const peer = line();
    const post = (body: string): Buffer => requestBytes({ method: "POST", target: poller.target, body });
    peer.write(
      Buffer.concat([
        post('42["one"]'),
        requestBytes({ target: "/socket.io/?EIO=4" }),
        requestBytes({ method: "PUT", target: poller.target }),
      ]),
    );
    expect((await peer.answer()).status).toBe(200);
    expect((await peer.answer()).status).toBe(400);
    expect((await peer.answer()).status).toBe(500);
    peer.write(post('42["two"]'));
    expect((await peer.answer()).body).toBe("ok");
    await turn();
    expect(heard).toEqual([["one"], ["two"]]);
  });

  attack("100-continue", async ({ line, joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    const peer = line();
    const body = '42["later"]';
    peer.write(
      requestBytes({
        method: "POST",
        target: poller.target,
        headers: { Expect: "100-continue", "Content-Length": String(body.length) },
      }),
    );
    expect((await peer.answer()).status).toBe(100);
    peer.write(body);
    expect(await peer.answer()).toMatchObject({ status: 200, body: "ok" });
    await turn();
    expect(heard).toEqual([["later"]]);
  });

  attack("HTTP/1.0", async ({ line, joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    const peer = line();
    peer.write(requestBytes({ method: "POST", target: poller.target, body: '42["old"]', version: "1.0" }));
    expect(await peer.answer()).toMatchObject({ status: 200, body: "ok" });
    await turn();
    expect(heard).toEqual([["old"]]);
    const second = line();
    second.write(requestBytes({ target: "/socket.io/?EIO=4&transport=polling", version: "1.0" }));
    expect((await second.answer()).body).toMatch(/^0\{/);
  });

  attack("chunks with trailers", async ({ line, joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    const peer = line();
    peer.write(
      requestBytes({
        method: "POST",
        target: poller.target,
        headers: { "Transfer-Encoding": "chunked", Trailer: "X-A" },
      }),
    );
    peer.write('4\r\n42["\r\n7\r\nchunk"]\r\n0\r\nX-A: 1\r\n__proto__: 2\r\n\r\n');
    expect(await peer.answer()).toMatchObject({ status: 200, body: "ok" });
    await turn();
    expect(heard).toEqual([["chunk"]]);
  });

  attack("a body longer than its length, and two lengths", async ({ line, joinByPolling, heard }) => {
    const { poller } = await joinByPolling();
    const peer = line();
    peer.write(
      requestBytes({
        method: "POST",
        target: poller.target,
        body: '42["a"]42["smuggled"]',
        headers: { "Content-Length": "7" },
      }),
    );
    // Node's parser may give up on the rest before the answer to the first has left.
    expect([200, 400]).toContain((await peer.answer()).status);
    expect([0, 400]).toContain((await peer.answer()).status);
    const second = line();
    second.write(
      requestBytes({
        method: "POST",
        target: poller.target,
        headers: { "Content-Length": "3", "Transfer-Encoding": "chunked" },
      }),
    );
    second.write("0\r\n\r\n");
    expect([0, 400]).toContain((await second.answer()).status);
    expect(heard.filter(([name]) => name !== "a")).toEqual([]);
  });

  attack(
    "scripts instead of polls: nothing that was sent is in an answer that a page could run (16, J1)",
    async ({ poller, port }) => {
      const { open: opened } = await poller();
      for (const query of [
        "j=1",
        "j=<script>alert(1)</script>",
        "c=alert",
        "callback=alert",
        "j=__proto__",
      ]) {
        const target = `/socket.io/?EIO=4&transport=polling&${query.replaceAll("<", "%3C").replaceAll(">", "%3E")}`;
        const answer = await http(port, { target });
        expect(answer.text, query).not.toContain("script");
        expect(answer.text, query).not.toContain("alert");
        if (SUBJECT === "sockeye")
          expect(answer.headers["content-type"], query).toMatch(/^(text\/plain|application\/json)/);
      }
      expect(opened.sid).toBeTypeOf("string");
    },
  );
});

describe("sessions that nobody polls", () => {
  attack(
    "end by the heartbeat, and what was kept for them goes (10)",
    async ({ joinByPolling, gone, io }) => {
      const { socket } = await joinByPolling();
      const ended = once(socket, "disconnect");
      for (let n = 0; n < 50; n++) socket.emit("kept", "x".repeat(10_000));
      await ended;
      expect(gone).toEqual(["ping timeout"]);
      expect(io.engine.clientsCount).toBe(1);
    },
    { pingInterval: 100, pingTimeout: 1_000 },
  );

  attack(
    "and join nothing end as well (11, 23)",
    async ({ poller, io }) => {
      for (let n = 0; n < 10; n++) await poller();
      await until(() => io.engine.clientsCount === 1, "those who wait to be dropped");
    },
    { connectTimeout: 50 },
  );
});
