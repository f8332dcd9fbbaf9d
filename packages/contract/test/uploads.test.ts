// Uploads over real sockets, between our own ends.
import { createServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Readable } from "node:stream";
import { io as dial, type Options } from "@sockeye/client";
import { contract, upload } from "@sockeye/contract";
import { CallError, calls, uploads } from "@sockeye/contract/client";
import { Server, type ServerOptions } from "@sockeye/server";
import { Server as StockServer } from "socket.io";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { until } from "../../../test/support/wait.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: ServerOptions = {}) {
  const http = createServer();
  const connections = new Set<Socket>();
  http.on("connection", (connection) => {
    connections.add(connection);
    connection.on("close", () => connections.delete(connection));
  });
  const io = new Server(http, options);
  const errors: unknown[] = [];
  io.on("error", (error) => errors.push(error));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return { io, url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`, errors, connections };
}

function connect(url: string, options: Options = {}) {
  const socket = dial(url, { forceNew: true, reconnectionDelay: 10, ...options, extend: [calls, uploads] });
  ends.push(() => socket.disconnect());
  return socket;
}

async function read(file: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of file) pieces.push(piece);
  return Buffer.concat(pieces);
}

const BYTES = Buffer.from(Uint8Array.from({ length: 1_000_000 }, (_, at) => (at * 7 + (at >> 9)) & 255));

describe("an upload", () => {
  const pieces = (): Uint8Array[] =>
    Array.from({ length: 7 }, (_, at) => BYTES.subarray(at * 150_000, (at + 1) * 150_000));
  const KINDS: [string, () => Parameters<ReturnType<typeof connect>["upload"]>[1], number | undefined][] = [
    ["a Buffer", () => BYTES, BYTES.length],
    ["an ArrayBuffer", () => new Uint8Array(BYTES).buffer, BYTES.length],
    ["a DataView", () => new DataView(BYTES.buffer, BYTES.byteOffset, BYTES.byteLength), BYTES.length],
    ["a Blob", () => new Blob([new Uint8Array(BYTES)]), BYTES.length],
    ["a Node stream", () => Readable.from(pieces()), undefined],
    ["a ReadableStream", () => new Blob([new Uint8Array(BYTES)]).stream(), undefined],
    [
      "an async iterable",
      async function* () {
        yield* pieces();
      } as never,
      undefined,
    ],
    ["an iterable", pieces, undefined],
  ];
  it.each(KINDS)("of %s brings each byte once and in order", async (_, make, size) => {
    const { io, url, errors } = await serve();
    let got: Uint8Array = new Uint8Array();
    io.upload("file", async (file) => {
      got = await read(file);
      return { size: file.size, received: file.received };
    });
    const data = make();
    const source = typeof data === "function" ? (data as () => typeof data)() : data;
    const progress: number[] = [];
    const answer = await connect(url).upload("file", source, {
      onProgress: ({ sent, total }) => {
        expect(total).toBe(size);
        progress.push(sent);
      },
    });
    expect(answer).toEqual({ size, received: BYTES.length });
    expect(BYTES.equals(got)).toBe(true);
    expect(progress.length).toBeGreaterThan(3);
    expect(progress).toEqual([...progress].sort((a, b) => a - b));
    expect([progress.at(-1), errors]).toEqual([BYTES.length, []]);
  });

  it.each(["polling", "websocket"])("says what it is, over %s, and may be empty", async (transport) => {
    const { io, url } = await serve();
    io.upload("file", async (file) => ({
      claim: [file.name, file.type, file.size, file.input],
      bytes: [...(await read(file))],
    }));
    const client = connect(url, { transports: [transport] });
    const file = new File(["hi"], "../../etc/passwd", { type: "text/plain" });
    expect(await client.upload("file", file, { input: 7 })).toEqual({
      claim: ["../../etc/passwd", "text/plain", 2, 7],
      bytes: [104, 105],
    });
    expect(await client.upload("file", "", { name: "none" })).toEqual({
      claim: ["none", null, 0, null],
      bytes: [],
    });
  });

  it("waits for who reads it: no more is under way than the window", async () => {
    const { io, url, errors } = await serve({ limits: { maxUnreadUploadBytes: 100_000 } });
    let most = 0;
    io.upload("file", async (file) => {
      let got = 0;
      const pieces: Uint8Array[] = [];
      for await (const piece of file) {
        most = Math.max(most, file.received - got);
        got += piece.length;
        pieces.push(piece);
        // Whatever may come has time to.
        if (pieces.length % 10 === 0) await io.timeout(5000).emitWithAck("fence");
      }
      return Buffer.concat(pieces).equals(BYTES);
    });
    const client = connect(url);
    client.on("fence", (reply: () => void) => reply());
    expect(await client.upload("file", BYTES)).toBe(true);
    expect(most).toBeGreaterThan(0);
    expect(most).toBeLessThanOrEqual(100_000);
    expect(errors).toEqual([]);
  });

  it("survives its transport: cut again and again, each byte comes once", { timeout: 60_000 }, async () => {
    const { io, url, errors, connections } = await serve();
    let cuts = 0;
    io.upload("file", async (file) => {
      const pieces: Uint8Array[] = [];
      for await (const piece of file) {
        pieces.push(piece);
        if (pieces.length % 8 === 0 && cuts < 3) {
          cuts++;
          for (const connection of connections) connection.destroy();
        }
      }
      return Buffer.concat(pieces).equals(BYTES);
    });
    const client = connect(url, { transports: ["websocket"] });
    const ids = new Set<string | undefined>();
    client.on("connect", () => ids.add(client.id));
    expect(await client.upload("file", BYTES)).toBe(true);
    expect([cuts, ids.size, errors]).toEqual([3, 1, []]);
  });

  it.each<[string, (signal: AbortController, disconnect: () => void) => void, string, string]>([
    ["the signal", (controller) => controller.abort(new Error("enough")), "enough", "ERR_STREAM_CANCELLED"],
    [
      "the end of the session",
      (_, disconnect) => disconnect(),
      "the connection ended",
      "ERR_STREAM_DISCONNECTED",
    ],
  ])("ends by %s at both ends", async (_, end, message, code) => {
    const { io, url, errors } = await serve();
    const seen: unknown[] = [];
    io.upload("file", async (file, { signal }) => {
      signal.addEventListener("abort", () => seen.push((signal.reason as { code: string }).code));
      await read(file);
    });
    const client = connect(url);
    const controller = new AbortController();
    let isLeft = false;
    const source = (async function* () {
      try {
        for (;;) yield BYTES;
      } finally {
        isLeft = true;
      }
    })();
    const answer = client.upload("file", source, {
      signal: controller.signal,
      onProgress: ({ sent }) => {
        if (sent > 500_000) end(controller, () => client.disconnect());
      },
    });
    await expect(answer).rejects.toThrow(message);
    await until(() => isLeft && seen.length > 0, "both ends to hear of it");
    expect([seen, errors]).toEqual([[code], []]);
  });

  it("that is kept goes on after a reload, and by itself after the loss of a session", async () => {
    const { io, url, errors } = await serve();
    const ids: unknown[] = [];
    let got: Uint8Array = new Uint8Array();
    io.upload(
      "file",
      { keep: "1m", owner: (socket) => socket.handshake.auth["user"] as string },
      async (file, { id }) => {
        ids.push(id);
        got = await read(file);
        return got.length;
      },
    );
    const auth = { user: "ann" };
    const first = connect(url, { auth });
    const half = new Promise<void>((resolve) => {
      const onProgress = ({ sent }: { readonly sent: number }): void => {
        if (sent > 300_000) resolve();
      };
      first.upload("file", BYTES, { id: "a", onProgress }).catch(() => {});
    });
    await half;
    first.disconnect();
    const progress: number[] = [];
    const again = connect(url, { auth });
    let cuts = 0;
    const answer = await again.upload("file", new Blob([new Uint8Array(BYTES)]), {
      id: "a",
      onProgress: ({ sent }) => {
        progress.push(sent);
        if (sent < 600_000 || cuts++) return;
        for (const socket of io.sockets.sockets.values()) socket.conn.close();
      },
    });
    expect([answer, BYTES.equals(got), ids, cuts > 0, errors]).toEqual([BYTES.length, true, ["a"], true, []]);
    expect([(progress[0] ?? 0) > 200_000, progress.at(-1)]).toEqual([true, BYTES.length]);
    await expect(connect(url).upload("file", BYTES, { id: "a" })).rejects.toMatchObject({
      code: "ERR_STREAM_GONE",
    });
  });

  it("is answered, or refused, when the handler says so, whether it has read all or not", async () => {
    const { io, url, errors } = await serve();
    io.upload("early", async (file) => {
      for await (const _ of file) break;
      return "enough";
    });
    io.upload("none", () => "no thanks");
    io.upload("full", () => {
      throw new CallError("FULL", { free: 0 });
    });
    io.upload("broken", async (file) => {
      for await (const _ of file) throw new Error("mine");
    });
    io.upload("small", { maxBytes: 1000 }, async (file) => (await read(file)).length);
    const client = connect(url);
    expect(await client.upload("early", BYTES)).toBe("enough");
    expect(await client.upload("none", BYTES)).toBe("no thanks");
    await expect(client.upload("full", BYTES)).rejects.toMatchObject({ code: "FULL", data: { free: 0 } });
    await expect(client.upload("broken", BYTES)).rejects.toMatchObject({ code: "ERR_INTERNAL" });
    expect(errors.map((error) => (error as Error).message)).toEqual(["mine"]);
    await expect(client.upload("small", BYTES)).rejects.toMatchObject({ code: "ERR_STREAM_LIMIT" });
    await expect(client.upload("small", [BYTES])).rejects.toMatchObject({ code: "ERR_STREAM_LIMIT" });
    expect(await client.upload("small", BYTES.subarray(0, 1000))).toBe(1000);
    await expect(client.upload("else", BYTES)).rejects.toMatchObject({ code: "ERR_UNHANDLED" });
    await expect(client.upload("small", BYTES.subarray(0, 9), { size: 10 })).rejects.toMatchObject({
      code: "ERR_STREAM_FRAME",
    });
    // The others go on.
    expect(await client.upload("none", BYTES)).toBe("no thanks");
  });

  it("fails with what its source throws, or gives that is no bytes", async () => {
    const { io, url } = await serve();
    let aborted = 0;
    io.upload("file", async (file, { signal }) => {
      signal.addEventListener("abort", () => aborted++);
      await read(file);
    });
    const client = connect(url);
    const failing = (async function* () {
      yield BYTES;
      throw new Error("disk");
    })();
    await expect(client.upload("file", failing)).rejects.toThrow("disk");
    await expect(client.upload("file", [5] as never)).rejects.toThrow("bytes or a text");
    await expect(client.upload("file", 5 as never)).rejects.toThrow("an upload is");
    await until(() => aborted === 2, "the server to hear of it");
  });

  it("fits a server of small messages, and one that has many of them at a time", async () => {
    const { io, url, errors } = await serve({ maxHttpBufferSize: 5000 });
    io.upload("file", async (file) => (await read(file)).length);
    const client = connect(url);
    const some = BYTES.subarray(0, 20_000);
    const answers = await Promise.all(Array.from({ length: 50 }, () => client.upload("file", some)));
    expect([new Set(answers), errors]).toEqual([new Set([20_000]), []]);
  });

  it("is checked and typed by a contract", async () => {
    const albums = contract({
      toServer: {
        photo: upload(z.object({ album: z.string() }), { answer: z.object({ bytes: z.number() }) }),
      },
    });
    const { io, url } = await serve();
    const space = io.of("/albums", albums);
    space.upload("photo", async (file) => {
      const album: string = file.input.album;
      return album === "bad" ? ({ bytes: "many" } as never) : { bytes: (await read(file)).length };
    });
    const client = dial(`${url}/albums`, { forceNew: true, contract: albums, extend: [uploads] });
    ends.push(() => client.disconnect());
    const { bytes } = await client.upload("photo", BYTES, { input: { album: "a" } });
    expect(bytes satisfies number).toBe(BYTES.length);
    await expect(client.upload("photo", BYTES, { input: { album: "bad" } })).rejects.toMatchObject({
      code: "ERR_INVALID",
    });
    await expect(client.upload("photo", BYTES, { input: { album: 5 as never } })).rejects.toMatchObject({
      code: "ERR_INVALID",
    });
    // @ts-expect-error an upload of this contract says its album
    await expect(client.upload("photo", BYTES)).rejects.toMatchObject({ code: "ERR_INVALID" });
    // @ts-expect-error there is no such upload
    await expect(client.upload("else", BYTES)).rejects.toMatchObject({ code: "ERR_UNHANDLED" });
  });

  it("is refused at once by a server of Socket.IO's", async () => {
    const http = createServer();
    const stock = new StockServer(http);
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    ends.push(() => stock.close());
    const client = connect(`http://127.0.0.1:${(http.address() as AddressInfo).port}`);
    await expect(client.upload("x", BYTES)).rejects.toMatchObject({ code: "ERR_UNSUPPORTED_BY_PEER" });
  });
});
