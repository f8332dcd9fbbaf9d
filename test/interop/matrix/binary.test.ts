import { expect } from "vitest";
import { matrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";

const EVERY_BYTE = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

function arrayBuffer(...bytes: number[]): ArrayBuffer {
  return Uint8Array.from(bytes).buffer;
}

const VALUES: readonly (readonly [name: string, sent: unknown, got: unknown])[] = [
  ["a Buffer", EVERY_BYTE, EVERY_BYTE],
  ["an empty Buffer", Buffer.alloc(0), Buffer.alloc(0)],
  ["a Uint8Array", Uint8Array.of(1, 2, 3), Buffer.from([1, 2, 3])],
  ["a view on a part of a larger buffer", new Uint8Array(arrayBuffer(9, 1, 2, 9), 1, 2), Buffer.from([1, 2])],
  ["an ArrayBuffer", arrayBuffer(4, 5, 6), Buffer.from([4, 5, 6])],
  ["a Uint16Array", Uint16Array.of(0x0201, 0x0403), Buffer.from([1, 2, 3, 4])],
  ["a DataView", new DataView(arrayBuffer(7, 8)), Buffer.from([7, 8])],
  ["bytes that look like text", Buffer.from('42["x"]'), Buffer.from('42["x"]')],
  [
    "something nested",
    { a: [{ b: EVERY_BYTE }, "c", null], d: new Date(0) },
    { a: [{ b: EVERY_BYTE }, "c", null], d: "1970-01-01T00:00:00.000Z" },
  ],
  [
    "several",
    [Buffer.from([1]), { two: Buffer.from([2]) }, [[Buffer.from([3])]], "4"],
    [Buffer.from([1]), { two: Buffer.from([2]) }, [[Buffer.from([3])]], "4"],
  ],
  [
    "the largest number allowed",
    Array.from({ length: 10 }, () => EVERY_BYTE),
    Array.from({ length: 10 }, () => EVERY_BYTE),
  ],
];

matrix("binary", (behaves) => {
  behaves("arrives as Buffers at both ends", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [name, sent, got] of VALUES) {
      const atServer = once(socket, "bin");
      client.emit("bin", "before", sent, "after");
      expect(await atServer, `to the server: ${name}`).toEqual(["before", got, "after"]);
      const atClient = once(client, "bin");
      socket.emit("bin", "before", sent, "after");
      expect(await atClient, `to the client: ${name}`).toEqual(["before", got, "after"]);
    }
  });

  behaves("is a Buffer in Node, not only like one", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to, "bin");
      from.emit("bin", Uint8Array.of(1, 2), { deep: [arrayBuffer(3)] });
      const [flat, nested] = (await heard) as [unknown, { deep: unknown[] }];
      expect(Buffer.isBuffer(flat)).toBe(true);
      expect(Buffer.isBuffer(nested.deep[0])).toBe(true);
    }
  });

  behaves("of 200 KB arrives whole", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const large = Buffer.alloc(200_000, EVERY_BYTE);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to, "bin");
      from.emit("bin", large);
      const [got] = (await heard) as [Buffer];
      expect(large.equals(got)).toBe(true);
    }
  });

  behaves("goes with acknowledgements, both ways", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      to.on("bin", (data: Buffer, answer: (...args: unknown[]) => void) => answer("got", { data }, data));
      const got = await new Promise<unknown[]>((resolve) => {
        from.emit("bin", EVERY_BYTE, (...args: unknown[]) => resolve(args));
      });
      expect(got).toEqual(["got", { data: EVERY_BYTE }, EVERY_BYTE]);
      to.removeAllListeners("bin");
    }
  });

  behaves("keeps its place among text", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard: unknown[] = [];
      to.on("e", (n: number, data?: Buffer) => heard.push(data === undefined ? n : [n, data[0]]));
      const end = once(to, "end");
      for (let n = 0; n < 60; n++) {
        if (n % 3 === 0) from.emit("e", n, Buffer.from([n]));
        else from.emit("e", n);
      }
      from.emit("end");
      await end;
      expect(heard).toEqual(Array.from({ length: 60 }, (_, n) => (n % 3 === 0 ? [n, n] : n)));
    }
  });

  behaves("is broadcast to each", async (stage) => {
    const site = await stage.serve();
    const first = await stage.connect(site);
    const second = await stage.connect(site);
    const heard = Promise.all([once(first.client, "bin"), once(second.client, "bin")]);
    site.io.emit("bin", EVERY_BYTE, { two: Buffer.from([2]) });
    const expected = [EVERY_BYTE, { two: Buffer.from([2]) }];
    expect(await heard).toEqual([expected, expected]);
  });

  behaves("is not changed in the sender's hands", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const data = { list: [Buffer.from([1])], name: "x" };
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard = once(to, "bin");
      from.emit("bin", data);
      await heard;
      expect(data).toEqual({ list: [Buffer.from([1])], name: "x" });
    }
  });

  behaves("travels in other namespaces as well", async (stage) => {
    const site = await stage.serve();
    site.io.of("/files");
    const { client, socket } = await stage.connect(site, {}, "/files");
    const atServer = once(socket, "bin");
    client.emit("bin", EVERY_BYTE);
    expect(await atServer).toEqual([EVERY_BYTE]);
    const atClient = once(client, "bin");
    socket.emit("bin", EVERY_BYTE);
    expect(await atClient).toEqual([EVERY_BYTE]);
  });
});
