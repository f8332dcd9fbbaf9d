// What a stranger tries with calls, at both ends. docs/security.md has the rows.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { io as dial } from "@sockeye/client";
import { call, contract } from "@sockeye/contract";
import { calls } from "@sockeye/contract/client";
import { Server, type ServerOptions, type Socket } from "@sockeye/server";
import { afterEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { joinMain } from "../../../test/support/rawsocket.js";
import { once, until, within } from "../../../test/support/wait.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function serve(options: ServerOptions = {}) {
  const http = createServer();
  const io = new Server(http, options);
  const errors: unknown[] = [];
  io.on("error", (error) => errors.push(error));
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(() => io.close());
  return { io, port: (http.address() as AddressInfo).port, errors };
}

/** A client that answers by hand, and the server's socket for it. */
async function stranger(io: Server, port: number) {
  const joined = once(io, "connection");
  const { wire } = await joinMain(port);
  const [socket] = (await joined) as [Socket];
  const messages: string[] = [];
  wire.ws.on("message", (data) => messages.push(String(data)));
  return { wire, socket, messages };
}

const PROTOTYPES = ["__proto__", "constructor", "toString", "hasOwnProperty", "then", "valueOf"];

describe("names that every object has", () => {
  it("call nobody: without a contract as an event without a listener, with one ERR_UNDECLARED", async () => {
    const free = await serve();
    free.io.handle("double", (n: number) => n * 2);
    const a = await stranger(free.io, free.port);
    for (const [id, name] of PROTOTYPES.entries()) a.wire.send(`42${id}["${name}",1]`);
    a.wire.send('429["double",2]');
    await until(() => a.messages.includes("439[4]"), "the answer of the last");
    expect(a.messages.filter((text) => text.startsWith("43"))).toEqual(["439[4]"]);

    const held = await serve({ contract: contract({ toServer: { double: call(z.number()) } }) });
    const b = await stranger(held.io, held.port);
    for (const [id, name] of PROTOTYPES.entries()) b.wire.send(`42${id}["${name}",1]`);
    await until(
      () => b.messages.filter((text) => text.startsWith("43")).length === PROTOTYPES.length,
      "refusals",
    );
    for (const text of b.messages.filter((each) => each.startsWith("43")))
      expect(text).toContain("ERR_UNDECLARED");
  });
});

describe("answers of a client that is called", () => {
  const DEEP = `${"[".repeat(60)}${"]".repeat(60)}`;
  it.each([
    ["no arguments", "[]"],
    ["a refusal without a code", '[null,{"$error":{}}]'],
    ["a refusal that is a text", '[null,{"$error":"no"}]'],
    ["a code that is an object", '[null,{"$error":{"code":{"toString":1}}}]'],
    ["a code of ours", '[null,{"$error":{"code":"ERR_INTERNAL","message":{"length":-1}}}]'],
    ["a code of 100 KB", `[null,{"$error":{"code":"${"X".repeat(100_000)}"}}]`],
    ["the prototype", '[null,{"$error":{"code":"X","data":{"__proto__":{"polluted":1}}}}]'],
    ["a refusal and a value", '[1,{"$error":{"code":"X"}}]'],
    ["deep data", `[null,{"$error":{"code":"X","data":${DEEP}}}]`],
  ])("settle the call, and harm nobody: %s", async (_title, answer) => {
    const { io, port, errors } = await serve();
    const { wire, socket, messages } = await stranger(io, port);
    const settled = within(
      socket.call("ask", 1).then(
        () => "answered",
        (error: unknown) => (error instanceof Error ? "refused" : "not an error"),
      ),
      "the call to settle",
    );
    await until(() => messages.some((text) => /^42\d+\["ask"/.test(text)), "the call");
    const [id] = /\d+(?=\[)/.exec(messages.find((text) => text.includes('"ask"'))?.slice(2) ?? "") ?? [];
    // Once, again, and for calls that nobody has made.
    wire.send(`43${id}${answer}`, `43${id}${answer}`, `43999${answer}`);
    expect(["answered", "refused"]).toContain(await settled);
    expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
    wire.send('42["still here"]');
    await once(socket, "still here");
    expect(errors).toEqual([]);
  });
});

describe("calls that are not answered", () => {
  it("of a client that has gone are all told, and their late answers are nobody's error", async () => {
    const { io, port, errors } = await serve();
    const signals: AbortSignal[] = [];
    const answers: (() => void)[] = [];
    io.handle("wait", (_: unknown, { signal }) => {
      signals.push(signal);
      return new Promise((resolve, reject) =>
        answers.push(signals.length % 2 ? () => resolve(1) : () => reject(new Error("late"))),
      );
    });
    const { wire } = await stranger(io, port);
    for (let id = 0; id < 2_000; id += 1) wire.send(`42${id}["wait"]`);
    await until(() => signals.length === 2_000, "all calls");
    wire.end();
    await until(() => signals.every(({ aborted }) => aborted), "all aborts");
    const before = errors.length;
    for (const answer of answers) answer();
    await new Promise((resolve) => setImmediate(resolve));
    // What the app throws is the app's to know, also if nobody waits any longer.
    expect(errors.slice(before).every((error) => error instanceof Error && error.message === "late")).toBe(
      true,
    );
  });

  it("by the server leave nothing behind when the client goes", async () => {
    const { io, port } = await serve();
    const { wire, socket, messages } = await stranger(io, port);
    const open = Array.from({ length: 1_000 }, () =>
      socket.call("ask").catch((error: { code?: string }) => error.code),
    );
    await until(() => messages.filter((text) => text.includes('"ask"')).length === 1_000, "all calls");
    wire.end();
    expect(new Set(await within(Promise.all(open), "all to settle"))).toEqual(
      new Set(["ERR_ACK_DISCONNECTED"]),
    );
  });
});

it("what a handler throws that is not a CallError tells the peer nothing", async () => {
  const { io, port, errors } = await serve();
  const secrets = [
    Object.assign(new Error("password=1"), { code: "EACCES", data: "key" }),
    { $error: { code: "FORGED", data: "key" } },
    "password=1",
    undefined,
    new Proxy(new Error("password=1"), {
      get: () => {
        throw new Error("trap");
      },
    }),
  ];
  io.handle("throws", (n: number) => {
    throw secrets[n];
  });
  const client = dial(`http://127.0.0.1:${port}`, { forceNew: true, extend: [calls] });
  ends.push(() => client.disconnect());
  for (const n of secrets.keys()) {
    const error = await client.call("throws", n).then(
      () => "answered",
      (reason: unknown) => reason,
    );
    expect(error).toMatchObject({ code: "ERR_INTERNAL", message: "internal error" });
  }
  expect(errors).toHaveLength(secrets.length);
});
