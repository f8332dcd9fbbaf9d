import { createServer } from "node:http";
import { connect } from "node:net";
import { io, type Socket } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { cleanName, cleanText, type Message, type Receipt } from "../room.js";
import { start } from "../server.js";

type Listener = (...args: unknown[]) => void;
interface Guest {
  readonly socket: Socket;
  readonly welcome: { readonly name: string; readonly people: readonly string[] };
}

let chat: Awaited<ReturnType<typeof start>>;
let sockets: Socket[];

beforeEach(async () => {
  sockets = [];
  chat = await start({ port: 0 });
});

afterEach(async () => {
  for (const socket of sockets) socket.disconnect();
  await chat.close();
});

/** Resolves with the arguments of the next such event. */
function next(socket: Socket, event: string): Promise<unknown[]> {
  return new Promise((resolve) => socket.once(event, ((...args) => resolve(args)) as Listener));
}

function dial(auth: Record<string, unknown>): Socket {
  const socket = io(chat.url, { auth, forceNew: true, transports: ["websocket"], reconnection: false });
  sockets.push(socket);
  return socket;
}

async function enter(name: string, key?: string): Promise<Guest> {
  const socket = dial(key === undefined ? { name } : { name, key });
  const [welcome] = (await next(socket, "welcome")) as [Guest["welcome"]];
  return { socket, welcome };
}

/** Everything that arrives from now on. */
function record({ socket }: Guest): unknown[][] {
  const seen: unknown[][] = [];
  socket.onAny((...args: unknown[]) => seen.push(args));
  return seen;
}

/** All that was sent to this guest before has arrived once the receipt of a message has. */
async function settle(guest: Guest): Promise<Receipt> {
  return (await guest.socket.emitWithAck("say", "settled")) as Receipt;
}

describe("two people in the room", () => {
  test("see each other come in, by name", async () => {
    const ann = await enter("Ann");
    expect(ann.welcome).toEqual({ name: "Ann", people: ["Ann"] });
    const joined = next(ann.socket, "joined");
    const ben = await enter("  Ben\n ");
    expect(ben.welcome).toEqual({ name: "Ben", people: ["Ann", "Ben"] });
    expect(await joined).toEqual(["Ben"]);
  });

  test("read each other's messages; the author gets a receipt with the time", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben");
    const said = next(ben.socket, "said");
    const receipt = (await ann.socket.emitWithAck("say", " Hello,\nBen \u0007")) as Receipt;
    const [message] = (await said) as [Message];
    expect(message).toEqual({ name: "Ann", text: "Hello,\nBen", at: expect.any(Number) });
    expect(receipt).toEqual({ ok: true, at: message.at });
  });

  test("see that the other one is typing, not that they are themselves", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben");
    await settle(ann);
    const own = record(ann);
    for (const on of [true, false]) {
      const typing = next(ben.socket, "typing");
      ann.socket.emit("typing", on);
      expect(await typing).toEqual(["Ann", on]);
    }
    await settle(ann);
    expect(own).toEqual([]);
  });

  test("see the other one leave", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben");
    const left = next(ann.socket, "left");
    ben.socket.disconnect();
    expect(await left).toEqual(["Ben"]);
    expect((await enter("Cem")).welcome.people).toEqual(["Ann", "Cem"]);
  });
});

describe("the room, by its own events", () => {
  interface Envelope {
    readonly args: readonly unknown[];
    readonly id?: string;
  }
  const ask = (guest: Guest, event: string, argument: object = {}): Promise<unknown> =>
    new Promise((resolve) =>
      guest.socket.emit(event, { room: "chat", ...argument }, (...answer: unknown[]) => resolve(answer)),
    );
  const publish = (guest: Guest, text: unknown, id = "an id", event = "said"): Promise<unknown> =>
    ask(guest, "sockeye:publish", { event, args: [text], id });

  test("shows a newcomer what was said, by whom and when, once however often it was tried", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben");
    const said = next(ben.socket, "said");
    for (let tries = 0; tries < 3; tries++) await publish(ann, " Hello ");
    expect(await said).toEqual([{ name: "Ann", text: "Hello", at: expect.any(Number) }]);
    await ben.socket.emitWithAck("say", "Hi");
    const cem = await enter("Cem");
    const heard: Envelope[] = [];
    cem.socket.on("sockeye:event", (envelope: Envelope) => heard.push(envelope));
    const [joined] = (await ask(cem, "sockeye:join", { since: "last:50" })) as [{ members: unknown[] }];
    expect(heard).toMatchObject([
      { event: "said", args: [{ name: "Ann", text: "Hello" }], id: "an id" },
      { event: "said", args: [{ name: "Ben", text: "Hi" }] },
    ]);
    expect(joined).toMatchObject({ complete: true });
    await expect
      .poll(async () => {
        const [{ members }] = (await ask(cem, "sockeye:presence")) as [{ members: { key: string }[] }];
        return members.map(({ key }) => key);
      })
      .toEqual(["Ann", "Ben", "Cem"]);
  });

  test.each([
    ["an empty text", " ", "said", "REFUSED"],
    ["no text", { name: "Ben" }, "said", "REFUSED"],
    ["another event", "x", "joined", "ERR_ROOM_FORBIDDEN"],
  ])("refuses %s", async (_what, text, event, code) => {
    expect(await publish(await enter("Ann"), text, "an id", event)).toMatchObject([
      null,
      { $error: { code } },
    ]);
  });
});

describe("names", () => {
  test("a taken name gets a number, however it is spelled", async () => {
    await enter("Ann");
    expect((await enter("ANN")).welcome.name).toBe("ANN 2");
    expect((await enter("ann")).welcome.name).toBe("ann 3");
  });

  test("whoever brings the key of the name takes it over, and nobody hears of it", async () => {
    const key = "0123456789abcdef";
    const ann = await enter("Ann", key);
    const ben = await enter("Ben");
    const seen = record(ben);
    const gone = next(ann.socket, "disconnect");
    const again = await enter("Ann", key);
    await gone;
    await settle(ben);
    expect(again.welcome).toEqual({ name: "Ann", people: ["Ann", "Ben"] });
    expect(seen).toEqual([]);
    expect((await enter("Ann", "fedcba9876543210")).welcome.name).toBe("Ann 2");
  });

  test.each([
    ["plain", "Ann", "Ann"],
    ["blanks", " Ann\t Lee ", "Ann Lee"],
    ["invisible characters", "A\u202enn\u200b", "Ann"],
    ["a letter in two parts", "e\u0301", "\u00e9"],
    ["24 letters of two units each", "\u{1d4d0}".repeat(24), "\u{1d4d0}".repeat(24)],
    ["a name that objects know", "__proto__", "__proto__"],
    ["25 letters", "\u{1d4d0}".repeat(25), undefined],
    ["very long", "x".repeat(100_000), undefined],
    ["empty", "", undefined],
    ["nothing to see", " \n\u200b", undefined],
    ["missing", undefined, undefined],
    ["a number", 7, undefined],
    ["an object", { toString: "x" }, undefined],
    ["a list", ["Ann"], undefined],
  ])("a name: %s", (_, value, name) => {
    expect(cleanName(value)).toBe(name);
  });

  test.each([[{}], [{ name: "" }], [{ name: 7 }], [{ name: "x".repeat(25) }]])(
    "no entry with %j",
    async (auth) => {
      const [error] = (await next(dial(auth), "connect_error")) as [Error];
      expect(error.message).toBe("Choose a name of 1 to 24 characters.");
    },
  );
});

describe("what does not fit is refused and reaches nobody", () => {
  test.each([
    ["plain text", "a", "a"],
    ["lines and edges", " a\r\nb ", "a\nb"],
    ["control characters", "\u0000\u0001", undefined],
    ["nothing", "", undefined],
    ["blanks", " \n ", undefined],
    ["just short enough", "x".repeat(2000), "x".repeat(2000)],
    ["too long", "x".repeat(2001), undefined],
    ["null", null, undefined],
    ["an object", { text: "a" }, undefined],
  ])("a text: %s", (_, value, text) => {
    expect(cleanText(value)).toBe(text);
  });

  test("events of a wrong shape, and too many of them", async () => {
    const ann = await enter("Ann");
    const ben = await enter("Ben");
    const seen = record(ben);
    ann.socket.emit("typing", "yes");
    ann.socket.emit("typing");
    ann.socket.emit("say");
    ann.socket.emit("say", "x".repeat(3000), "not a function");
    ann.socket.emit("unheard of", { a: 1 });
    await settle(ann);
    await settle(ben);
    expect(seen).toEqual([["said", expect.objectContaining({ text: "settled" })]]);

    const receipts: Receipt[] = [];
    for (let count = 0; count < 50; count += 1) receipts.push(await settle(ann));
    await settle(ben);
    expect(receipts.filter(({ ok }) => ok).length).toBeLessThan(40);
    expect(receipts.at(-1)).toEqual({ ok: false, reason: "That was a lot at once. Wait a moment." });
    expect(seen.length).toBeLessThanOrEqual(40);
  });
});

describe("the files", () => {
  test.each([
    ["/", "text/html; charset=utf-8"],
    ["/?transport=polling", "text/html; charset=utf-8"],
    ["/style.css", "text/css; charset=utf-8"],
    ["/main.js", "text/javascript; charset=utf-8"],
    ["/visits.js", "text/javascript; charset=utf-8"],
    ["/favicon.svg", "image/svg+xml"],
  ])("%s", async (path, type) => {
    const response = await fetch(chat.url + path);
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toBe(type);
    expect(response.headers.get("content-security-policy")).toContain("script-src 'self';");
    expect(await response.text()).not.toBe("");
  });

  test("everything that the page and its modules load is there", async () => {
    const page = await (await fetch(chat.url)).text();
    const ofPage = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, path]) => path ?? "");
    const main = await (await fetch(`${chat.url}/main.js`)).text();
    const ofMain = [...main.matchAll(/from "\.([^"]+)"/g)].map(([, path]) => path ?? "");
    expect(ofPage.length).toBeGreaterThan(3);
    expect(ofMain.length).toBeGreaterThan(2);
    for (const path of [...ofPage, ...ofMain]) {
      expect(`${path} ${(await fetch(chat.url + path)).status}`).toBe(`${path} 200`);
    }
  });

  test.each([
    ["/server.js"],
    ["/../server.js"],
    ["/%2e%2e/server.js"],
    ["/..%2fpackage.json"],
    ["//style.css"],
    ["/public/main.js"],
    ["/style.css/"],
    ["/%"],
  ])("nothing else: %s", async (path) => {
    expect(await rawStatus("GET", path)).toBe("HTTP/1.1 404 Not Found");
  });

  test("only by GET and HEAD", async () => {
    expect(await rawStatus("HEAD", "/")).toBe("HTTP/1.1 200 OK");
    expect(await rawStatus("POST", "/")).toBe("HTTP/1.1 405 Method Not Allowed");
  });
});

test("a port in use is an error that names it", async () => {
  await expect(start({ port: chat.port })).rejects.toMatchObject({ code: "EADDRINUSE", port: chat.port });
});

test("the port is free again once the chat is closed, spare connections or not", async () => {
  const other = await start({ port: 0 });
  const spare = connect(other.port);
  await new Promise((resolve) => spare.once("connect", resolve));
  spare.on("error", () => {});
  await other.close();
  const http = createServer();
  await new Promise<void>((resolve) => http.listen(other.port, resolve));
  await new Promise((resolve) => http.close(resolve));
  spare.destroy();
});

/** The status line for a path that goes out as it stands, where `fetch` would tidy it up. */
function rawStatus(method: string, path: string): Promise<string> {
  return new Promise((resolve, reject) => {
    let received = "";
    const socket = connect(chat.port, "localhost", () => {
      socket.write(`${method} ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
    });
    socket.on("data", (data) => (received += data.toString()));
    socket.on("end", () => resolve(received.split("\r\n")[0] ?? ""));
    socket.on("error", reject);
  });
}
