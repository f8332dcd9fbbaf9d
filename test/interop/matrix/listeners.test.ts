import { expect } from "vitest";
import { matrix } from "../../support/stage.js";
import { once } from "../../support/wait.js";

matrix("catch-all listeners", (behaves) => {
  behaves("hear every incoming event before its own listeners, the prepended first", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard: unknown[] = [];
      to.on("e", () => heard.push("own"));
      to.onAny((name: string, ...args: unknown[]) => heard.push(["any", name, ...args]));
      to.prependAny((name: string) => heard.push(["first", name]));
      const e = once(to, "e");
      from.emit("e", 1, "two");
      await e;
      expect(heard).toEqual([["first", "e"], ["any", "e", 1, "two"], "own"]);
    }
  });

  behaves("are listed and removed", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard: string[] = [];
      const one = (): number => heard.push("one");
      const two = (): number => heard.push("two");
      expect(to.listenersAny()).toEqual([]);
      expect(to.onAny(one)).toBe(to);
      to.onAny(two);
      expect(to.listenersAny()).toEqual([one, two]);
      expect(to.offAny(one)).toBe(to);
      expect(to.listenersAny()).toEqual([two]);
      const e = once(to, "e");
      from.emit("e");
      await e;
      to.offAny();
      expect(to.listenersAny()).toEqual([]);
      const f = once(to, "f");
      from.emit("f");
      await f;
      expect(heard).toEqual(["two"]);
    }
  });

  behaves("get the acknowledgement as the last argument", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.onAny((_name: string, ...args: unknown[]) =>
      (args[args.length - 1] as (text: string) => void)("from any"),
    );
    expect(await new Promise((resolve) => client.emit("q", 1, resolve))).toBe("from any");
  });

  behaves("hear what goes out, before it does", "onAnyOutgoing", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const heard: unknown[] = [];
      from.onAnyOutgoing((name: string, ...args: unknown[]) => heard.push(["any", name, ...args]));
      from.prependAnyOutgoing((name: string) => heard.push(["first", name]));
      const end = once(to, "end");
      from.emit("e", 1, { two: Buffer.from([2]) });
      heard.push("sent");
      from.emit("end");
      await end;
      expect(heard).toEqual([
        ["first", "e"],
        ["any", "e", 1, { two: Buffer.from([2]) }],
        "sent",
        ["first", "end"],
        ["any", "end"],
      ]);
      from.offAnyOutgoing();
      expect(from.listenersAnyOutgoing()).toEqual([]);
    }
  });

  behaves(
    "for what goes out do not hear acknowledgements, and not the callback",
    "onAnyOutgoing",
    async (stage) => {
      const site = await stage.serve();
      const { client, socket } = await stage.connect(site);
      const heard: unknown[] = [];
      client.onAnyOutgoing((...args) => heard.push(["client", ...args]));
      socket.onAnyOutgoing((...args) => heard.push(["server", ...args]));
      socket.on("q", (answer: () => void) => answer());
      await new Promise<void>((resolve) => client.emit("q", resolve));
      expect(heard).toEqual([["client", "q"]]);
    },
  );

  behaves("for what goes out hear broadcasts on every receiver", async (stage) => {
    const site = await stage.serve();
    const one = await stage.connect(site);
    const two = await stage.connect(site);
    const heard: unknown[] = [];
    one.socket.onAnyOutgoing((...args) => heard.push(["one", ...args]));
    two.socket.onAnyOutgoing((...args) => heard.push(["two", ...args]));
    const arrived = Promise.all([once(one.client, "e"), once(two.client, "e")]);
    site.io.emit("e", 1);
    await arrived;
    expect(heard.sort()).toEqual([
      ["one", "e", 1],
      ["two", "e", 1],
    ]);
  });

  behaves("for what goes out hear what was kept only when it goes", "onAnyOutgoing", async (stage) => {
    const site = await stage.serve();
    const client = await stage.dial(site, { autoConnect: false });
    const heard: unknown[] = [];
    client.onAnyOutgoing((name: string) => heard.push(name));
    client.emit("early");
    expect(heard).toEqual([]);
    client.connect();
    await stage.both(site, client);
    expect(heard).toEqual(["early"]);
  });
});
