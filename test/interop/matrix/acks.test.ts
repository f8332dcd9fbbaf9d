import { expect } from "vitest";
import { matrix } from "../../support/stage.js";
import { once, turn, within } from "../../support/wait.js";
import { DIFFERENCES, expectedOf } from "../differences.js";

const TIMED_OUT = "operation has timed out";

matrix("acknowledgements", (behaves, row) => {
  behaves("answer the client's callback", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.on("sum", (a: number, b: number, answer: (...args: unknown[]) => void) =>
      answer(a + b, "ü", null),
    );
    const got = await new Promise<unknown[]>((resolve) =>
      client.emit("sum", 1, 2, (...args: unknown[]) => resolve(args)),
    );
    expect(got).toEqual([3, "ü", null]);
  });

  behaves("answer the server's callback", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    client.on("sum", (a: number, b: number, answer: (...args: unknown[]) => void) =>
      answer(a + b, "ü", null),
    );
    const got = await new Promise<unknown[]>((resolve) =>
      socket.emit("sum", 1, 2, (...args: unknown[]) => resolve(args)),
    );
    expect(got).toEqual([3, "ü", null]);
  });

  behaves("may carry nothing", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.on("e", (answer: () => void) => answer());
    client.on("e", (answer: () => void) => answer());
    for (const from of [client, socket]) {
      const got = await new Promise<unknown[]>((resolve) =>
        from.emit("e", (...args: unknown[]) => resolve(args)),
      );
      expect(got).toEqual([]);
    }
  });

  behaves("count once", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const got: unknown[] = [];
      to.on("e", (answer: (n: number) => void) => {
        answer(1);
        answer(2);
        to.emit("after");
      });
      const after = once(from, "after");
      from.emit("e", (n: number) => got.push(n));
      await after;
      expect(got).toEqual([1]);
      to.removeAllListeners("e");
    }
  });

  behaves("belong to their event, in whatever order they come", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    for (const [from, to] of [
      [client, socket],
      [socket, client],
    ] as const) {
      const held: (() => void)[] = [];
      to.on("e", (n: number, answer: (n: number) => void) => {
        held.push(() => answer(n * 10));
        if (held.length === 50) for (const reply of held.reverse()) reply();
      });
      const answers = await Promise.all(
        Array.from({ length: 50 }, (_, n) => new Promise<unknown>((resolve) => from.emit("e", n, resolve))),
      );
      expect(answers).toEqual(Array.from({ length: 50 }, (_, n) => n * 10));
      to.removeAllListeners("e");
    }
  });

  behaves("may come long after, from an async handler", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.on("slow", async (answer: (text: string) => void) => {
      await turn();
      answer("done");
    });
    expect(await new Promise((resolve) => client.emit("slow", resolve))).toBe("done");
  });

  behaves("can be awaited on the client", "emitWithAck", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.on("e", (n: number, answer: (...args: unknown[]) => void) => answer(n + 1, "second"));
    expect(await client.emitWithAck("e", 1)).toBe(2);
    expect(await client.timeout(4000).emitWithAck("e", 2)).toBe(3);
  });

  behaves("can be awaited on the server", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    client.on("e", (n: number, answer: (...args: unknown[]) => void) => answer(n + 1, "second"));
    expect(await socket.emitWithAck("e", 1)).toBe(2);
    expect(await socket.timeout(4000).emitWithAck("e", 2)).toBe(3);
  });

  behaves("in time put null before the client's arguments", "timeout", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    socket.on("e", (answer: (...args: unknown[]) => void) => answer("a", "b"));
    const got = await new Promise((resolve) =>
      client.timeout(4000).emit("e", (...args: unknown[]) => resolve(args)),
    );
    expect(got).toEqual([null, "a", "b"]);
  });

  behaves("in time put null before the server's arguments", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    client.on("e", (answer: (...args: unknown[]) => void) => answer("a", "b"));
    const got = await new Promise((resolve) =>
      socket.timeout(4000).emit("e", (...args: unknown[]) => resolve(args)),
    );
    expect(got).toEqual([null, "a", "b"]);
  });

  behaves("that do not come in time fail on the client, and count no more", "timeout", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    let late: (text: string) => void = () => {};
    socket.on("e", (answer: (text: string) => void) => {
      late = answer;
    });
    const calls: unknown[][] = [];
    await new Promise<void>((resolve) => {
      client.timeout(30).emit("e", (...args: unknown[]) => {
        calls.push(args);
        resolve();
      });
    });
    expect(calls[0]?.[0]).toBeInstanceOf(Error);
    expect(calls[0]?.[0]).toMatchObject({ message: TIMED_OUT });
    const after = once(client, "after");
    late("too late");
    socket.emit("after");
    await after;
    expect(calls).toHaveLength(1);
    await expect(client.timeout(30).emitWithAck("e")).rejects.toThrow(TIMED_OUT);
  });

  behaves("that do not come in time fail on the server, and count no more", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    let late: (text: string) => void = () => {};
    client.on("e", (answer: (text: string) => void) => {
      late = answer;
    });
    const calls: unknown[][] = [];
    const asked = once(client, "e");
    await new Promise<void>((resolve) => {
      socket.timeout(30).emit("e", (...args: unknown[]) => {
        calls.push(args);
        resolve();
      });
    });
    expect(calls[0]?.[0]).toMatchObject({ message: TIMED_OUT });
    await asked;
    const after = once(socket, "after");
    late("too late");
    client.emit("after");
    await after;
    expect(calls).toHaveLength(1);
    await expect(socket.timeout(30).emitWithAck("e")).rejects.toThrow(TIMED_OUT);
  });

  behaves("that a disconnection prevents fail on the client when they can", "emitWithAck", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const asked = Promise.all([once(socket, "a"), once(socket, "b"), once(socket, "c")]);
    const plain: unknown[] = [];
    client.emit("a", (...args: unknown[]) => plain.push(args));
    const timed = new Promise<unknown>((resolve) => client.timeout(60_000).emit("b", resolve));
    const awaited = client.emitWithAck("c");
    const failed = expect(awaited).rejects.toThrow("socket has been disconnected");
    await asked;
    client.disconnect();
    expect(((await timed) as Error).message).toBe("socket has been disconnected");
    await failed;
    expect(plain).toEqual([]);
  });

  behaves("that a disconnection prevents: the server's promise", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const asked = once(client, "e");
    let state = "pending";
    socket.emitWithAck("e").then(
      () => {
        state = "resolved";
      },
      () => {
        state = "rejected";
      },
    );
    await asked;
    const gone = once(socket, "disconnect");
    client.disconnect();
    await gone;
    await turn();
    expect(state).toBe(expectedOf(DIFFERENCES.serverAckAfterDisconnect, row.server));
  });

  behaves("with a number for an answer work through `io.timeout().emit` too", async (stage) => {
    const site = await stage.serve();
    const { client } = await stage.connect(site);
    client.on("e", (answer: (n: number) => void) => answer(7));
    const got = await within(
      new Promise((resolve) => site.io.timeout(4000).emit("e", (...args: unknown[]) => resolve(args))),
      "the broadcast's answers",
    );
    expect(got).toEqual([null, [7]]);
  });
});
