import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import * as sockeye from "@sockeye/client";
import * as stock from "socket.io-client";
import version2 from "socket.io-client-2";
import { afterEach, describe, expect, it } from "vitest";
import { once } from "../../../test/support/wait.js";
import { Server } from "../src/index.js";

// A refusal arrives as `connect_error`, whatever `next` was given, and the connection goes on for the others.

const cyclic: Record<string, unknown> = { code: 1 };
cyclic["self"] = cyclic;

class Denied extends Error {
  override readonly message: string = "of a class";
  readonly data = { code: 7 };
}

class Sly extends Error {
  get data(): unknown {
    throw new Error("sly");
  }
}

const withMessage = (message: unknown, data?: unknown): object =>
  Object.assign(new Error("x"), { message, data });

const REFUSALS: readonly [what: string, given: () => unknown, message: string, data?: unknown][] = [
  ["an error", () => new Error("no"), "no"],
  ["an error without a text", () => new Error(), ""],
  ["an error with data", () => withMessage("no", { code: 7 }), "no", { code: 7 }],
  ["an error of a class", () => new Denied(), "of a class", { code: 7 }],
  ["a text", () => "denied", "denied"],
  ["a number", () => 42, "42"],
  ["true", () => true, "true"],
  ["a BigInt", () => 7n, "7"],
  ["a symbol", () => Symbol("denied"), "Symbol(denied)"],
  ["a function", () => withMessage.bind(undefined, "x"), "function () { [native code] }"],
  ["an empty object", () => ({}), "Refused"],
  ["an object with data alone", () => ({ data: { code: 7 } }), "Refused", { code: 7 }],
  ["an object with a message", () => ({ message: "no" }), "no"],
  ["an array", () => ["no"], "Refused"],
  ["an object without a prototype", () => Object.create(null), "Refused"],
  ["a message that is a number", () => withMessage(42), "42"],
  ["a message that is null", () => withMessage(null), "Refused"],
  ["a message that is an object", () => withMessage({ a: 1 }), "[object Object]"],
  ["a message that cannot be a text", () => withMessage(Object.create(null)), "Refused"],
  ["data that is a cycle", () => withMessage("no", cyclic), "no"],
  ["data that is a BigInt", () => withMessage("no", 1n), "no"],
  ["data that cannot be looked at", () => new Sly("no"), "no"],
  [
    "a message that cannot be looked at",
    () => ({
      get message(): string {
        throw new Error("sly");
      },
    }),
    "Refused",
  ],
  [
    "a Proxy that throws",
    () =>
      new Proxy(
        {},
        {
          get: () => {
            throw new Error("sly");
          },
        },
      ),
    "Refused",
  ],
];

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function site(given: () => unknown): Promise<string> {
  const http = createServer();
  const io = new Server(http, { allowEIO3: true });
  io.on("error", () => {});
  io.of("/chat").use((_socket, next) => next(given() as Error));
  ends.push(() => io.close());
  await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

describe.each(["sockeye", "socket.io-client"] as const)("%s", (name) => {
  const client = (name === "sockeye" ? sockeye : stock) as typeof sockeye;
  it.each(REFUSALS)("%s", async (_what, given, message, data) => {
    const url = await site(given);
    const main = client.io(url, { transports: ["websocket"], forceNew: true });
    ends.push(() => main.disconnect());
    await once(main, "connect");
    const lost: unknown[] = [];
    main.on("disconnect", (reason) => lost.push(reason));
    const chat = main.io.socket("/chat");
    const refused = once(chat, "connect_error");
    chat.connect();
    const [error] = (await refused) as [Error & { data?: unknown }];
    expect([error.message, error.data]).toEqual([message, data]);
    expect([main.connected, lost, chat.active]).toEqual([true, [], false]);
  });

  it.each([undefined, null, false, 0, ""])("next(%j) lets it in", async (given) => {
    const url = await site(() => given);
    const chat = client.io(`${url}/chat`, { transports: ["websocket"], forceNew: true });
    ends.push(() => chat.disconnect());
    await once(chat, "connect");
  });
});

it.each(REFUSALS)("a client of Socket.IO 2: %s", async (_what, given, message, data) => {
  const url = await site(given);
  const chat = version2(`${url}/chat`, { transports: ["websocket"], forceNew: true });
  ends.push(() => chat.close());
  const [error] = await once(chat, "error");
  expect(error).toEqual(data ?? message);
});

describe("a client of ours at a server that sends odd refusals", () => {
  it.each<[sent: string, message: string]>([
    ["44/chat,", "Refused"],
    ["44/chat,{}", "Refused"],
    ['44/chat,{"message":7}', "Refused"],
    ['44/chat,["no"]', "Refused"],
    ['44/chat,"no"', "no"],
    ['44/chat,{"message":"no"}', "no"],
  ])("%s", async (sent, message) => {
    const http = createServer();
    const io = new Server(http);
    ends.push(() => io.close());
    io.of("/chat").use((socket) => {
      socket.conn.send(sent.slice(1));
      return new Promise(() => {});
    });
    await new Promise<void>((done) => http.listen(0, "127.0.0.1", done));
    const chat = sockeye.io(`http://127.0.0.1:${(http.address() as AddressInfo).port}/chat`, {
      forceNew: true,
    });
    ends.push(() => chat.disconnect());
    const [error] = await once(chat, "connect_error");
    expect(error).toMatchObject({ message, code: "ERR_CONNECT_REFUSED" });
    expect(chat.active).toBe(false);
  });
});
