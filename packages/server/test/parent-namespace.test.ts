import { type Namespace, type NamespaceMatcher, Server, UsageError } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { collect, once, until } from "../../../test/support/wait.js";
import { Matchers } from "../src/matchers.js";
import { dial, join, refused, roundTrip, serve } from "./site.js";

describe("Matchers", () => {
  const rules: readonly { name: string; matcher: RegExp | NamespaceMatcher; allows: boolean }[] = [
    { name: "a regular expression that matches", matcher: /^\/x/, allows: true },
    { name: "one that does not", matcher: /^\/y/, allows: false },
    { name: "a function that allows", matcher: (_n, _a, next) => next(null, true), allows: true },
    {
      name: "one that allows later",
      matcher: (_n, _a, next) => void setImmediate(next, null, true),
      allows: true,
    },
    { name: "an async one", matcher: async (_n, _a, next) => next(null, true), allows: true },
    { name: "one that says no", matcher: (_n, _a, next) => next(null, false), allows: false },
    { name: "one with an error", matcher: (_n, _a, next) => next(new Error("no"), true), allows: false },
    {
      name: "one that allows with a word",
      matcher: (_n, _a, next) => next(null, "yes" as never),
      allows: false,
    },
    {
      name: "one that throws",
      matcher: () => {
        throw new Error("no");
      },
      allows: false,
    },
    { name: "one that rejects", matcher: () => Promise.reject(new Error("no")), allows: false },
    {
      name: "one that says no, then yes",
      matcher: (_n, _a, next) => {
        next(null, false);
        next(null, true);
      },
      allows: false,
    },
  ];

  it.each(rules)("$name: $allows, and the next rule is asked if not", async ({ matcher, allows }) => {
    const matchers = new Matchers<string>(() => {});
    matchers.add(matcher, "first");
    matchers.add((_name, _auth, next) => next(null, true), "second");
    expect(await matchers.find("/x", {})).toBe(allows ? "first" : "second");
  });

  it("finds nobody if nobody allows", async () => {
    const matchers = new Matchers<string>(() => {});
    expect(matchers.find("/x", {})).toBeUndefined();
    for (const { matcher, allows } of rules) if (!allows) matchers.add(matcher, "some");
    expect(await matchers.find("/x", {})).toBeUndefined();
  });

  it("answers at once as long as no function has to be asked", () => {
    const matchers = new Matchers<string>(() => {});
    matchers.add(/^\/a/, "a");
    matchers.add(() => {}, "never");
    expect(matchers.find("/a", {})).toBe("a");
    expect(matchers.byName("/a")).toBe("a");
    expect(matchers.byName("/b")).toBeUndefined();
  });

  it("hands name and auth to the function", async () => {
    const matchers = new Matchers<string>(() => {});
    const asked: unknown[] = [];
    matchers.add((name, auth, next) => {
      asked.push(name, auth);
      next(null, true);
    }, "x");
    await matchers.find("/n", { token: 1 });
    expect(asked).toEqual(["/n", { token: 1 }]);
  });

  it.each([/x/g, /x/y, /x/gi])("refuses %s, which remembers where it was", (matcher) => {
    expect(() => new Server().of(matcher)).toThrow(UsageError);
    expect(() => new Matchers<string>(() => {}).add(matcher, "x")).toThrow(/flags/);
  });
});

describe("dynamic namespaces", () => {
  it("are made when the first client asks, once, with what the parent has at that moment", async () => {
    const site = await serve();
    const trail: string[] = [];
    const parent = site.io.of(/^\/room-\d+$/);
    parent.use((_socket, next) => {
      trail.push("early middleware");
      next();
    });
    parent.on("connection", (socket) => trail.push(`early ${socket.nsp.name}`));
    parent.on("connect", () => trail.push("connect"));
    const made = collect(site.io as never, "new_namespace", 1);
    expect([...site.io._nsps.keys()]).toEqual(["/"]);
    const first = await join(site, "/room-1");
    expect(await made).toEqual([[site.io._nsps.get("/room-1")]]);
    expect(first.socket.nsp).toBe(site.io.of("/room-1"));
    parent.use((_socket, next) => {
      trail.push("late middleware");
      next();
    });
    parent.on("connection", () => trail.push("late"));
    await join(site, "/room-1");
    expect(trail).toEqual([
      "early middleware",
      "connect",
      "early /room-1",
      "early middleware",
      "connect",
      "early /room-1",
    ]);
    trail.length = 0;
    await join(site, "/room-2");
    expect(trail).toEqual(["early middleware", "late middleware", "connect", "early /room-2", "late"]);
    expect(await refused(dial(site, "/room-x"))).toEqual({ message: "Invalid namespace" });
  });

  it("is one for clients that ask at the same time, also if a function takes its time", async () => {
    const site = await serve();
    const answers: (() => void)[] = [];
    site.io.of((_name, _auth, next) => void answers.push(() => next(null, true)));
    let made = 0;
    site.io.on("new_namespace", () => made++);
    const clients = [dial(site, "/x"), dial(site, "/x"), dial(site, "/x")];
    const connected = Promise.all(clients.map((client) => once(client, "connect")));
    await until(() => answers.length === 3, "three questions");
    for (const answer of answers) answer();
    await connected;
    expect(made).toBe(1);
    expect(site.io.of("/x").sockets.size).toBe(3);
  });

  it("an async function that rejects, or one that throws, refuses, and the process lives", async () => {
    const site = await serve();
    site.io.of(async () => {
      throw new Error("no database");
    });
    site.io.of(() => {
      throw new Error("no");
    });
    expect(await refused(dial(site, "/x"))).toEqual({ message: "Invalid namespace" });
  });

  it("is not asked of a namespace that exists", async () => {
    const site = await serve();
    let asked = 0;
    site.io.of("/x");
    site.io.of((_name, _auth, next) => {
      asked++;
      next(null, true);
    });
    await join(site, "/x");
    expect(asked).toBe(0);
  });

  it("a client that goes while the function decides is not let in", async () => {
    const site = await serve();
    let answer: (() => void) | undefined;
    site.io.of((_name, _auth, next) => {
      answer = () => next(null, true);
    });
    const client = dial(site, "/x");
    await until(() => answer !== undefined, "the question");
    client.disconnect();
    await until(() => site.io.engine.clientsCount === 0, "the connection to end");
    answer?.();
    await new Promise(setImmediate);
    expect(site.io._nsps.get("/x")?.sockets.size ?? 0).toBe(0);
  });

  it("of(name) makes a child of a regular expression that matches, not of a function", () => {
    const io = new Server();
    const parent = io.of(/^\/a/);
    const listener = (): void => {};
    parent.on("connection", listener);
    io.of((_name, _auth, next) => next(null, true));
    expect(io.of("/a1").listeners("connection")).toEqual([listener]);
    expect((parent as unknown as { children: Set<Namespace> }).children).toEqual(new Set([io.of("/a1")]));
    expect(io.of("/b").listeners("connection")).toEqual([]);
  });

  it("an emit of the parent reaches all children", async () => {
    const site = await serve();
    const parent = site.io.of(/^\/r\d$/);
    const one = await join(site, "/r1");
    const two = await join(site, "/r2");
    const main = await join(site);
    one.socket.join("a");
    const heard: string[] = [];
    one.client.on("news", (n) => heard.push(`1:${n}`));
    two.client.on("news", (n) => heard.push(`2:${n}`));
    main.client.on("news", () => heard.push("main"));
    parent.emit("news", "all");
    parent.to("a").emit("news", "room");
    for (const { client, socket } of [one, two, main]) await roundTrip(client, socket);
    expect(heard.sort()).toEqual(["1:all", "1:room", "2:all"]);
    expect(() => parent.fetchSockets()).toThrow(UsageError);
  });

  it("stay when empty, unless told otherwise", async () => {
    const site = await serve();
    site.io.of(/^\/r$/);
    const { client, socket } = await join(site, "/r");
    const gone = once(socket, "disconnect");
    client.disconnect();
    await gone;
    expect(site.io._nsps.has("/r")).toBe(true);
  });

  describe("with cleanupEmptyChildNamespaces", () => {
    it("go with the last socket, adapter included, and come again as new ones", async () => {
      const site = await serve({ cleanupEmptyChildNamespaces: true });
      const parent = site.io.of(/^\/r$/) as unknown as { children: Set<Namespace> };
      const first = await join(site, "/r");
      const second = await join(site, "/r");
      const namespace = site.io.of("/r");
      let closed = 0;
      namespace.adapter.close = () => void closed++;
      first.socket.disconnect();
      expect(site.io._nsps.has("/r")).toBe(true);
      second.socket.disconnect();
      expect([site.io._nsps.has("/r"), closed, parent.children.size]).toEqual([false, 1, 0]);
      await join(site, "/r");
      expect(site.io.of("/r")).not.toBe(namespace);
    });

    it("go if nobody was let in", async () => {
      const site = await serve({ cleanupEmptyChildNamespaces: true });
      site.io.of(/^\/r$/).use((_socket, next) => next(new Error("no")));
      await refused(dial(site, "/r"));
      expect(site.io._nsps.has("/r")).toBe(false);
    });

    it("static namespaces stay", async () => {
      const site = await serve({ cleanupEmptyChildNamespaces: true });
      site.io.of("/static");
      const { socket } = await join(site, "/static");
      socket.disconnect();
      expect(site.io._nsps.has("/static")).toBe(true);
    });

    it("do not lose a client whose middleware still decides when the last socket leaves", async () => {
      const site = await serve({ cleanupEmptyChildNamespaces: true });
      let slow: (() => void) | undefined;
      site.io.of(/^\/r$/).use((socket, next) => {
        if (socket.handshake.auth["slow"]) slow = next;
        else next();
      });
      const quick = await join(site, "/r");
      const client = dial(site, "/r", { auth: { slow: true } });
      await until(() => slow !== undefined, "the middleware to be asked");
      quick.socket.disconnect();
      slow?.();
      await once(client, "connect");
      const news = once(client as never, "news");
      site.io.of("/r").emit("news");
      await news;
      expect(site.io.of("/r").sockets.has(client.id as string)).toBe(true);
    });
  });
});
