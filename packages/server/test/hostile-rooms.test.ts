import type { Socket } from "@sockeye/server";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { usedBytes } from "../../../test/support/memory.js";
import { once, until } from "../../../test/support/wait.js";
import { dial, type Options, type Site, serve } from "./site.js";

// What a client that may use a room does to it, to its other members, and to the process.

const unhandled: unknown[] = [];
const note = (error: unknown): void => void unhandled.push(error);
beforeEach(() => {
  unhandled.length = 0;
  process.on("unhandledRejection", note);
  process.on("uncaughtException", note);
});
afterEach(() => {
  process.off("unhandledRejection", note);
  process.off("uncaughtException", note);
  expect(unhandled).toEqual([]);
});

async function enter(site: Site, options: Options = {}): Promise<ClientSocket> {
  const client = dial(site, "/", options);
  await once(client, "connect");
  return client;
}

function ask(client: ClientSocket, event: string, argument: object): Promise<unknown> {
  return new Promise((resolve) => {
    client.emit(event, argument, (value: unknown, refusal?: { $error: { code: string } }) =>
      resolve(refusal?.$error.code ?? value),
    );
  });
}

async function openSite(): Promise<{ site: Site; errors: unknown[] }> {
  const site = await serve();
  const errors: unknown[] = [];
  site.io.on("error", (error: unknown) => errors.push(error));
  site.io.room("doc:+", {
    keep: { count: 500, bytes: 50e6 },
    presence: (socket: Socket) => socket.id,
    authorize: () => true,
  });
  return { site, errors };
}

function nested(levels: number): unknown {
  let value: unknown = 1;
  for (let n = 0; n < levels; n++) value = [value];
  return value;
}

describe("values that go on inside other packets", () => {
  const VALUES: readonly (readonly [string, unknown])[] = [
    ...[90, 94, 95, 96, 97].map((levels) => [`${levels} levels`, nested(levels)] as const),
    ["bytes", Buffer.from([1])],
    ["ten pieces of bytes", Array.from({ length: 10 }, (_, n) => Buffer.from([n]))],
    ["a placeholder", { _placeholder: true, num: 0 }],
    ["a key of prototypes", JSON.parse('{"__proto__":{"toJSON":1}}')],
    ["lone surrogates", "\ud800"],
    ["an error of a call", [null, { $error: { code: "x", message: 1 } }]],
  ];

  it.each(VALUES)("%s: each request is answered, all others go on", async (_what, value) => {
    const { site, errors } = await openSite();
    const [hostile, member] = [await enter(site), await enter(site)];
    for (const client of [hostile, member]) await ask(client, "sockeye:join", { room: "doc:1" });
    for (let n = 0; n < 12; n++) {
      await ask(hostile, "sockeye:publish", { room: "doc:1", event: "edit", args: [value] });
      await ask(hostile, "sockeye:presence", { room: "doc:1", set: value });
    }
    const told = once(member, "sockeye:presence");
    expect(await ask(member, "sockeye:presence", { room: "doc:1", set: 1 })).toMatchObject({
      room: "doc:1",
    });
    await told;
    for (const [event, argument] of [
      ["sockeye:history", {}],
      ["sockeye:presence", {}],
      ["sockeye:join", { since: "last:50" }],
    ] as const)
      expect(await ask(member, event, { room: "doc:1", ...argument })).toMatchObject({ room: "doc:1" });
    expect([hostile.connected, member.connected, errors]).toEqual([true, true, []]);
  });

  it("what the app itself has sent too deep for history is refused, and it is told", async () => {
    const { site, errors } = await openSite();
    site.io.to("doc:1").emit("edit", nested(97));
    const client = await enter(site);
    expect(await ask(client, "sockeye:history", { room: "doc:1" })).toBe("ERR_INTERNAL");
    expect(errors).toMatchObject([{ code: "ERR_UNENCODABLE" }]);
  });

  it("pages of history are as long as one packet may hold pieces of bytes, and leave nothing out", async () => {
    const { site } = await openSite();
    for (let n = 0; n < 30; n++) site.io.to("doc:1").emit("edit", n, Buffer.from([n]), Buffer.from([n]));
    const client = await enter(site);
    type Page = { events: { position: string; args: [number, Buffer, Buffer] }[] };
    for (const way of ["before", "after"] as const) {
      const seen: number[] = [];
      let edge: string | undefined =
        way === "after" ? site.io.room("doc:1").position?.replace(/\..*/, ".0") : undefined;
      for (;;) {
        const { events } = (await ask(client, "sockeye:history", { room: "doc:1", [way]: edge })) as Page;
        if (events.length === 0) break;
        expect(events.length).toBeLessThanOrEqual(5);
        for (const { args } of events) expect(args[1]).toEqual(Buffer.from([args[0]]));
        const numbers = events.map(({ args }) => args[0]);
        if (way === "before") seen.unshift(...numbers);
        else seen.push(...numbers);
        edge = (way === "before" ? events[0] : events.at(-1))?.position;
      }
      expect(seen).toEqual([...Array(30).keys()]);
    }
  });
});

describe("memory", () => {
  it("what is kept costs what was sent, whatever its JSON", async () => {
    const { site } = await openSite();
    const client = await enter(site);
    const args = [Array.from({ length: 150_000 }, () => ({}))];
    await ask(client, "sockeye:publish", { room: "doc:0", event: "edit", args });
    const before = await usedBytes();
    for (let n = 1; n <= 20; n++)
      await ask(client, "sockeye:publish", { room: `doc:${n}`, event: "edit", args });
    expect(((await usedBytes()) - before) / (20 * 450_000)).toBeLessThan(3);
    for (let n = 1; n <= 20; n++) await ask(client, "sockeye:join", { room: `doc:${n}`, since: "last:1" });
    expect(((await usedBytes()) - before) / (20 * 450_000)).toBeLessThan(3);
  });

  it("values of presence of one socket are bounded in all its rooms together", async () => {
    const { site } = await openSite();
    const client = await enter(site);
    const show = async (room: string): Promise<unknown> => {
      await ask(client, "sockeye:join", { room });
      return ask(client, "sockeye:presence", { room, set: "x".repeat(4000) });
    };
    for (let n = 0; n < 4; n++) expect(await show(`doc:${n}`)).toMatchObject({ room: `doc:${n}` });
    expect(await show("doc:4")).toBe("ERR_ROOM_LIMIT");
    await ask(client, "sockeye:leave", { room: "doc:0" });
    await ask(client, "sockeye:presence", { room: "doc:1", clear: true });
    for (const room of ["doc:4", "doc:5"]) expect(await show(room)).toMatchObject({ room });
    expect(await show("doc:6")).toBe("ERR_ROOM_LIMIT");
  });

  it("requests that wait for authorize count, end who sends too many, and go with it", async () => {
    const { site } = await openSite();
    site.io.room("slow:+", { authorize: () => new Promise<boolean>(() => {}) });
    const client = await enter(site);
    const ended = once(client, "disconnect");
    const text = "x".repeat(100_000);
    for (let n = 0; n < 400; n++)
      client.emit("sockeye:publish", { room: "slow:1", event: "edit", args: [text] });
    await ended;
    await until(() => site.io.metrics().heldBytes === 0, "it");
    const other = await enter(site);
    other.emit("sockeye:publish", { room: "slow:1", event: "edit", args: [text] });
    await until(() => site.io.metrics().heldBytes > 100_000, "it");
    // The connection stays, and what waited for its socket does not.
    [...site.io.sockets.sockets.values()][0]?.disconnect();
    await until(() => site.io.metrics().heldBytes < 1000, "it");
  });
});

describe("a rule for very many rooms", () => {
  it("lets nobody into the rooms that are sockets, or those of members elsewhere", async () => {
    const { site } = await openSite();
    site.io.room("#", { keep: "last", authorize: () => true });
    site.io.room("secret:+", { keep: "last", authorize: () => false });
    const [spy, victim] = [await enter(site), await enter(site)];
    const heard: unknown[] = [];
    spy.onAny((...event) => heard.push(event));
    for (const room of [victim.id, spy.id, "sockeye:room:secret:1", "sockeye:x"] as string[])
      for (const [event, argument] of [
        ["sockeye:join", {}],
        ["sockeye:history", {}],
        ["sockeye:publish", { event: "forged", args: [] }],
      ] as const)
        expect(await ask(spy, event, { room, ...argument })).toBe("ERR_ROOM_FORBIDDEN");
    expect(await ask(spy, "sockeye:join", { room: "any" })).toMatchObject({ room: "any" });
    const got = once(victim, "private");
    site.io.to(victim.id as string).emit("private", 1);
    site.io.to("secret:1").emit("edit", 1);
    site.io.to("any").emit("edit", 2);
    await got;
    await until(() => heard.length > 0, "it");
    expect(heard).toMatchObject([["sockeye:event", { room: "any" }]]);
  });
});

describe("much at once", () => {
  it("what is sent again has a budget of the connection: coming back to the namespace renews nothing", async () => {
    const { site } = await openSite();
    site.io.of("/other");
    for (let n = 0; n < 10; n++) site.io.to("doc:1").emit("edit", "x".repeat(900_000));
    const client = await enter(site);
    const join = (): Promise<unknown> => ask(client, "sockeye:join", { room: "doc:1", since: "last:9" });
    expect(await join()).toMatchObject({ complete: true });
    await once(client.io.socket("/other"), "connect");
    client.disconnect().connect();
    await once(client, "connect");
    expect(await join()).toBe("ERR_ROOM_LIMIT");
  });

  it("lists of who is there have the same budget", async () => {
    const { site } = await openSite();
    const members = await Promise.all(Array.from({ length: 40 }, () => enter(site)));
    for (const client of members) {
      await ask(client, "sockeye:join", { room: "doc:1" });
      await ask(client, "sockeye:presence", { room: "doc:1", set: "x".repeat(3900) });
    }
    // Lists are as they were told last.
    let told = 0;
    for (let at = 0; told < members.length; at = (at + 1) % members.length) {
      const list = await ask(members[at] as ClientSocket, "sockeye:presence", { room: "doc:1" });
      told = (list as { count: number }).count;
    }
    const asker = await enter(site);
    const answers = await Promise.all(
      Array.from({ length: 100 }, () => ask(asker, "sockeye:presence", { room: "doc:1" })),
    );
    const refused = answers.filter((answer) => answer === "ERR_ROOM_LIMIT").length;
    // 8 MiB are 53 lists of 40 values.
    expect(refused).toBeGreaterThanOrEqual(45);
    expect(refused).toBeLessThanOrEqual(49);
  });

  it("too many rooms are refused, and the app has no error to look at", async () => {
    const site = await serve({ limits: { maxRoomsPerSocket: 10 } });
    const errors: unknown[] = [];
    site.io.on("error", (error: unknown) => errors.push(error));
    site.io.room("doc:+", { authorize: () => true });
    const client = await enter(site);
    const answers: unknown[] = [];
    for (let n = 0; n < 6; n++) answers.push(await ask(client, "sockeye:join", { room: `doc:${n}` }));
    expect(answers.slice(4)).toEqual(["ERR_ROOM_LIMIT", "ERR_ROOM_LIMIT"]);
    expect(errors).toEqual([]);
  });
});
