import { EncodedPacket, type Frame } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { type Framed, frameBatch } from "../../src/server/websocket/frame.js";

const SIZES = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000];

describe("frameBatch", () => {
  it("writes the header that RFC 6455 asks for", () => {
    const header = (frame: Frame, bytes: number): string =>
      joined(frameBatch([new EncodedPacket(frame)]))
        .subarray(0, bytes)
        .toString("hex");
    expect(header("", 2)).toBe("8100");
    expect(header("a".repeat(125), 2)).toBe("817d");
    expect(header("a".repeat(126), 4)).toBe("817e007e");
    expect(header("a".repeat(65_535), 4)).toBe("817effff");
    expect(header("a".repeat(65_536), 10)).toBe("817f0000000000010000");
    expect(header(new Uint8Array(3), 2)).toBe("8203");
  });

  it("counts bytes, not characters", () => {
    expect(joined(frameBatch([new EncodedPacket("ä€😀")])).toString("hex")).toBe("8109c3a4e282acf09f9880");
  });

  it("tells ASCII from all else, wherever in a text or batch it stands", () => {
    const characters = ["a", "\x7f", "é", "漢", "😀", "\ud800"];
    let texts = [""];
    for (let length = 1; length <= 3; length++) {
      texts = texts.concat(texts.flatMap((text) => characters.map((character) => text + character)));
    }
    for (const text of new Set(texts)) {
      const bytes = Buffer.from(text);
      const frame = Buffer.concat([Buffer.from([0x81, bytes.length]), bytes]).toString("hex");
      const framed = (...heads: string[]): string =>
        joined(frameBatch(heads.map((head) => new EncodedPacket(head)))).toString("hex");
      expect(framed(text)).toBe(frame);
      expect(framed(text, "z")).toBe(`${frame}81017a`);
      expect(framed("z", text)).toBe(`81017a${frame}`);
    }
  });

  it("gives one buffer, or chunks that hold large bytes themselves", () => {
    const small = new EncodedPacket("a", [new Uint8Array(100)]);
    const large = new Uint8Array(20_000);
    expect(frameBatch([small])).toBeInstanceOf(Buffer);
    const chunks = frameBatch([small, new EncodedPacket("b", [large])]);
    expect(chunks).not.toBeInstanceOf(Buffer);
    expect([...(chunks as readonly Uint8Array[])]).toContain(large);
  });

  it("is read by ws as it was meant, whatever the batch", async () => {
    const peer = await pair();
    const text = fc.oneof(
      fc.string({ unit: "binary", maxLength: 300 }),
      fc.constantFrom(...SIZES).map((size) => "a".repeat(size)),
      fc.constantFrom(...SIZES).map((size) => "é".repeat(size)),
    );
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(...SIZES).map((size) => new Uint8Array(size).fill(size & 255)),
    );
    const packet = fc
      .tuple(
        fc.oneof({ arbitrary: text, weight: 3 }, { arbitrary: bytes, weight: 1 }),
        fc.array(bytes, { maxLength: 3 }),
      )
      .map(([head, attachments]) => new EncodedPacket(head, attachments));
    await fc.assert(
      fc.asyncProperty(fc.array(packet, { minLength: 1, maxLength: 5 }), async (batch) => {
        const expected = batch.flatMap(({ head, attachments }) => [head, ...attachments]).map(printable);
        expect(await peer.carry(frameBatch(batch), expected.length)).toEqual(expected);
      }),
      { numRuns: 60 },
    );
    await peer.close();
  });
});

describe("frames of a shared packet", () => {
  it("are the same buffer from the second receiver on", () => {
    const packet = new EncodedPacket("2[1]");
    const results = [1, 2, 3, 4].map(() => frameBatch([packet]));
    expect(results[2]).toBe(results[1]);
    expect(results[3]).toBe(results[1]);
    expect(results[1]).toEqual(results[0]);
  });

  it("are the same buffer for the same batch of several", () => {
    const batch = ["a", "b", "c"].map((text) => new EncodedPacket(text));
    const results = [1, 2, 3].map(() => frameBatch([...batch]));
    expect(results[2]).toBe(results[1]);
    expect(joined(results[2] as Framed).toString("latin1")).toBe("\x81\x01a\x81\x01b\x81\x01c");
  });

  it("never stand in for another batch that begins the same", () => {
    const [a, b, c] = ["a", "b", "c"].map((text) => new EncodedPacket(text)) as [
      EncodedPacket,
      EncodedPacket,
      EncodedPacket,
    ];
    const rows = [[a], [a, b], [a], [a, b], [a, c], [a, b], [a, b, c], [a, c], [a]];
    for (let round = 0; round < 3; round++) {
      for (const row of rows) {
        const text = row.map((packet) => `\x81\x01${packet.head}`).join("");
        expect(joined(frameBatch([...row])).toString("latin1")).toBe(text);
      }
    }
  });

  it("are not kept for a message of one receiver, even behind a constant packet", () => {
    const ping = new EncodedPacket("2");
    for (let round = 0; round < 3; round++) frameBatch([ping]);
    const kept = ping.wire;
    const secret = new EncodedPacket("4secret");
    frameBatch([ping, secret]);
    expect(ping.wire).toBe(kept);
    expect(secret.wire).not.toHaveProperty("framed");
  });
});

function joined(framed: Framed): Buffer {
  return framed instanceof Uint8Array ? framed : Buffer.concat(framed);
}

function printable(frame: Frame): string {
  return typeof frame === "string"
    ? // UTF-8 has no lone surrogates.
      `text ${Buffer.from(frame).toString("base64")}`
    : `bytes ${Buffer.from(frame.buffer, frame.byteOffset, frame.byteLength).toString("base64")}`;
}

/** A `ws` client, and the raw socket of its server, into which we write frames. */
async function pair() {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1" });
  await new Promise((resolve) => server.once("listening", resolve));
  const raw = new Promise<import("node:net").Socket>((resolve) =>
    server.once("connection", (_ws, req) => resolve(req.socket)),
  );
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as { port: number }).port}`);
  const socket = await raw;
  let failed: Error | undefined;
  client.on("error", (error) => {
    failed = error;
  });
  return {
    carry: (framed: Framed, count: number) =>
      new Promise<string[]>((resolve, reject) => {
        const got: string[] = [];
        client.removeAllListeners("message").removeAllListeners("close");
        client.on("close", () => reject(failed ?? new Error("closed")));
        client.on("message", (data: Buffer, isBinary: boolean) => {
          got.push(printable(isBinary ? data : data.toString()));
          if (got.length === count) resolve(got);
        });
        socket.write(joined(framed));
      }),
    close: async () => {
      client.removeAllListeners("close");
      client.terminate();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
