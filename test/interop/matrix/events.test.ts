import { expect } from "vitest";
import { writable } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { type Listenable, once } from "../../support/wait.js";

// What goes in, and what comes out if that is something else.
const VALUES: readonly (readonly [name: string, sent: unknown, got?: unknown])[] = [
  ["null", null],
  ["true", true],
  ["false", false],
  ["zero", 0],
  ["minus zero", -0, 0],
  ["a fraction", -1.5],
  ["a huge number", 1.7976931348623157e308],
  ["the largest safe integer", Number.MAX_SAFE_INTEGER],
  ["an empty string", ""],
  ["a string", "hello"],
  ["quotes, backslashes and brackets", '"\\]}],[{,'],
  ["every control character", Array.from({ length: 32 }, (_, code) => String.fromCharCode(code)).join("")],
  ["the separator of polling payloads", "a\u001eb\u001e"],
  ["line separators", "\u2028\u2029\r\n"],
  ["unicode of one, two, three and four bytes", "aß€😀👩‍👩‍👧"],
  ["unicode that is not text", "\ud800 \udc00 \uffff \ufffe"],
  ["text that looks like a packet", '42["a"]'],
  ["text that looks like base64", "bAQID"],
  ["an empty array", []],
  ["an empty object", {}],
  ["nested things", { a: [1, { b: [[], {}, [[null]]] }], "": { " ": "x" } }],
  ["an object with names of methods", { toString: 1, constructor: "c", hasOwnProperty: null, length: 2 }],
  ["a placeholder that is none", { _placeholder: "yes", num: 0 }],
  ["a date", new Date(0), "1970-01-01T00:00:00.000Z"],
  ["something with toJSON", { toJSON: () => ({ from: "toJSON" }) }, { from: "toJSON" }],
  ["undefined", undefined, null],
  ["not a number", [Number.NaN, Number.POSITIVE_INFINITY], [null, null]],
  ["undefined inside", { a: undefined, b: [undefined] }, { b: [null] }],
  ["a map and a set", [new Map([[1, 2]]), new Set([1])], [{}, {}]],
];

const NAMES = [
  "a",
  "",
  "with space",
  "ünïcödé 😀",
  "error",
  "message",
  "data",
  "open",
  "close",
  "ping",
  "packet",
  "__proto__",
  "constructor",
  "hasOwnProperty",
  "toString",
  "x".repeat(500),
];

matrix("events", (behaves) => {
  behaves("carry every kind of JSON both ways", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [name, sent, ...got] of VALUES) {
      const expected = got.length > 0 ? got[0] : sent;
      const atServer = once(socket, "value");
      client.emit("value", sent, name);
      expect(await atServer, `to the server: ${name}`).toEqual([expected, name]);
      const atClient = once(client, "value");
      socket.emit("value", sent, name);
      expect(await atClient, `to the client: ${name}`).toEqual([expected, name]);
    }
  });

  behaves("carry any number of arguments", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const args of [
      [],
      [1],
      [1, "2", [3], { four: 4 }, null],
      Array.from({ length: 100 }, (_, i) => i),
    ]) {
      const atServer = once(socket, "many");
      client.emit("many", ...args);
      expect(await atServer).toEqual(args);
      const atClient = once(client, "many");
      socket.emit("many", ...args);
      expect(await atClient).toEqual(args);
    }
  });

  behaves("carry 200 KB of text both ways", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const ascii = "0123456789".repeat(20_000);
    const wide = "ü😀".repeat(33_000);
    for (const text of [ascii, wide]) {
      const atServer = once(socket, "large");
      client.emit("large", text);
      expect((await atServer)[0] === text).toBe(true);
      const atClient = once(client, "large");
      socket.emit("large", text);
      expect((await atClient)[0] === text).toBe(true);
    }
  });

  behaves("may have any name that is not reserved", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const name of NAMES) {
      const atServer = once(socket, name);
      client.emit(name, 1);
      expect(await atServer, `to the server: ${name}`).toEqual([1]);
      const atClient = once(client, name);
      socket.emit(name, 2);
      expect(await atClient, `to the client: ${name}`).toEqual([2]);
    }
  });

  behaves("without a listener are ignored", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.on("echo", (answer: () => void) => answer());
    client.emit("error", "nobody listens");
    client.emit("nobody listens");
    socket.emit("error", "nobody listens");
    socket.emit("nobody listens");
    await new Promise<void>((resolve) => client.emit("echo", resolve));
    expect([client.connected, socket.connected]).toEqual([true, true]);
  });

  behaves("with a reserved name throw at the sender", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const name of [
      "connect",
      "connect_error",
      "disconnect",
      "disconnecting",
      "newListener",
      "removeListener",
    ]) {
      expect(() => client.emit(name), `client: ${name}`).toThrow(`"${name}" is a reserved event name`);
      expect(() => socket.emit(name), `server: ${name}`).toThrow(`"${name}" is a reserved event name`);
      expect(() => site.io.emit(name), `broadcast: ${name}`).toThrow(`"${name}" is a reserved event name`);
    }
  });

  behaves("are sent by `send` and `write` as `message`", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const atServer = once(socket, "message");
    client.send("a", 1);
    expect(await atServer).toEqual(["a", 1]);
    for (const act of [
      () => socket.send("b", 2),
      () => socket.write("b", 2),
      () => site.io.send("b", 2),
      () => site.io.write("b", 2),
    ]) {
      const atClient = once(client, "message");
      act();
      expect(await atClient).toEqual(["b", 2]);
    }
  });

  behaves("reach listeners that were added, not those that were removed, `once` only once", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard: string[] = [];
      const gone = (): number => heard.push("gone");
      to.on("e", gone);
      to.on("e", () => heard.push("first"));
      (to as Listenable).once("e", () => heard.push("once"));
      to.on("e", () => heard.push("last"));
      (to as Pick<typeof client, "off">).off("e", gone);
      const end = once(to, "end");
      from.emit("e");
      from.emit("e");
      from.emit("end");
      await end;
      expect(heard).toEqual(["first", "once", "last", "first", "last"]);
      to.removeAllListeners("e");
      expect(to.listeners("e")).toEqual([]);
    }
  });

  behaves(
    "tell the sender what it always tells: true on the server, the socket on the client",
    async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site);
      expect(client.emit("x")).toBe(client);
      expect(client.send("x")).toBe(client);
      expect(socket.emit("x")).toBe(true);
      expect(socket.send("x")).toBe(socket);
      expect(site.io.emit("x")).toBe(true);
    },
  );

  behaves("with compress(false) arrive like others", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const text = "long".repeat(1000);
    const atServer = once(socket, "e");
    client.compress(false).emit("e", text);
    expect(await atServer).toEqual([text]);
    const atClient = once(client, "e");
    socket.compress(false).emit("e", text);
    expect(await atClient).toEqual([text]);
    const broadcast = once(client, "e");
    site.io.compress(false).emit("e", text);
    expect(await broadcast).toEqual([text]);
  });

  behaves("are compressed where asked for, and arrive", async (stage) => {
    const site = await stage.serve({ perMessageDeflate: true, httpCompression: true });
    const { client, socket } = await stage.connect(site);
    const text = "long".repeat(5000);
    const atServer = once(socket, "e");
    client.emit("e", text);
    expect(await atServer).toEqual([text]);
    const atClient = once(client, "e");
    socket.emit("e", text, Buffer.alloc(5000, 7));
    expect(await atClient).toEqual([text, Buffer.alloc(5000, 7)]);
  });

  behaves("that are volatile arrive on an idle connection", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const atServer = once(socket, "v");
    // A client is not writable while a message is under way: volatile means that one may be lost, not that all are.
    const nag = setInterval(() => client.volatile.emit("v", 1), 5);
    stage.defer(() => clearInterval(nag));
    expect(await atServer).toEqual([1]);
    clearInterval(nag);
    const atClient = once(client, "v");
    await writable(socket);
    socket.volatile.emit("v", 2);
    expect(await atClient).toEqual([2]);
  });
});
