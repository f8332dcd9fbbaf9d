import type { BroadcastOperator, Namespace, Server, Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { expect } from "vitest";
import { once, until } from "../support/wait.js";
import { heard, onServers, type Scene } from "./scene.js";

// Sections 1.3, 1.4 and 1.7: what a server, a namespace and an operator have in common.

type Target = Pick<
  Server,
  "to" | "in" | "except" | "compress" | "timeout" | "volatile" | "local" | "emit" | "fetchSockets"
> &
  Pick<Server, "socketsJoin" | "socketsLeave" | "disconnectSockets" | "allSockets">;

/** A target, with two clients of its namespace: `a` is in the room `blue`, `b` is in `green`. */
interface Cast {
  readonly target: Target;
  readonly io: Namespace;
  readonly a: ClientSocket;
  readonly b: ClientSocket;
  readonly sockets: readonly [Socket, Socket];
}

const TARGETS: Readonly<Record<string, (io: Server) => Target>> = {
  io: (io) => io,
  namespace: (io) => io.of("/") as unknown as Target,
  operator: (io) => io.except("nobody") as BroadcastOperator<never, never> as unknown as Target,
};

async function play(scene: Scene, of: (io: Server) => Target): Promise<Cast> {
  const site = await scene.serve();
  const [a, b] = [await scene.join(site), await scene.join(site)];
  a.socket.join("blue");
  b.socket.join("green");
  const { client } = a;
  return {
    target: of(site.io),
    io: site.io.of("/"),
    a: client,
    b: b.client,
    sockets: [a.socket, b.socket],
  };
}

for (const [name, of] of Object.entries(TARGETS)) {
  onServers(`${name}`, (test) => {
    /** What `a` and `b` hear of one `word` that is emitted in this way. */
    const words = async (scene: Scene, emit: (target: Target) => unknown): Promise<string> => {
      const { target, io, a, b } = await play(scene, of);
      const [ofA = [], ofB = []] = await heard(io, [a, b], () => emit(target));
      return `${ofA.length > 0 ? "a" : ""}${ofB.length > 0 ? "b" : ""}`;
    };

    test(`${name}.to()`, async (scene) => {
      expect(await words(scene, (target) => target.to("blue").emit("word"))).toBe("a");
      expect(await words(scene, (target) => target.to(["blue", "green"]).emit("word"))).toBe("ab");
      expect(await words(scene, (target) => target.to("blue").to("green").emit("word"))).toBe("ab");
    });

    test(`${name}.in()`, async (scene) => {
      expect(await words(scene, (target) => target.in("green").emit("word"))).toBe("b");
    });

    test(`${name}.except()`, async (scene) => {
      expect(await words(scene, (target) => target.except("blue").emit("word"))).toBe("b");
      expect(await words(scene, (target) => target.to("blue").except(["blue"]).emit("word"))).toBe("");
    });

    test(`${name}.compress()`, async (scene) => {
      expect(await words(scene, (target) => target.compress(false).emit("word"))).toBe("ab");
    });

    test(`${name}.volatile`, async (scene) => {
      expect(await words(scene, (target) => target.volatile.emit("word"))).toBe("ab");
    });

    test(`${name}.local`, async (scene) => {
      expect(await words(scene, (target) => target.local.emit("word"))).toBe("ab");
    });

    test(`${name}.emit()`, async (scene) => {
      const { target, io, a, b } = await play(scene, of);
      const bytes = Buffer.from([1]);
      const [ofA, ofB] = await heard(io, [a, b], () => {
        expect(target.emit("word", 1, { two: bytes })).toBe(true);
      });
      expect(ofA).toEqual([["word", 1, { two: bytes }]]);
      expect(ofB).toEqual(ofA);
    });

    test(`${name}.timeout()`, async (scene) => {
      const { target, a, b } = await play(scene, of);
      a.on("ask", (done: (answer: string) => void) => done("a"));
      b.on("ask", (done: (answer: string) => void) => done("b"));
      const answers = new Promise((resolve) => {
        target
          .timeout(4000)
          .emit("ask", (error: unknown, all: string[]) => resolve([error, [...all].sort()]));
      });
      expect(await answers).toEqual([null, ["a", "b"]]);
    });

    test(`${name}.timeout() that passes`, async (scene) => {
      const { target, a } = await play(scene, of);
      a.on("ask", (done: (answer: string) => void) => done("a"));
      const end = new Promise<[Error, string[]]>((resolve) => {
        target.timeout(60).emit("ask", (error: Error, some: string[]) => resolve([error, some]));
      });
      const [error, some] = await end;
      expect([error.message, some]).toEqual(["operation has timed out", ["a"]]);
    });

    test(`${name}.timeout().emitWithAck()`, async (scene) => {
      const { target, a, b } = await play(scene, of);
      a.on("ask", (done: (answer: string) => void) => done("a"));
      await expect(target.timeout(60).emitWithAck("ask")).rejects.toMatchObject({ responses: ["a"] });
      b.on("ask", (done: (answer: string) => void) => done("b"));
      expect((await target.timeout(4000).emitWithAck("ask")).sort()).toEqual(["a", "b"]);
    });

    test(`${name}.fetchSockets()`, async (scene) => {
      const { target, sockets } = await play(scene, of);
      const all = await target.fetchSockets();
      expect(all.map(({ id }) => id).sort()).toEqual(sockets.map(({ id }) => id).sort());
      const [blue] = await target.in("blue").fetchSockets();
      expect(blue?.id).toBe(sockets[0].id);
    });

    test(`${name}.allSockets()`, async (scene) => {
      const { target, sockets } = await play(scene, of);
      expect(await target.allSockets()).toEqual(new Set(sockets.map(({ id }) => id)));
    });

    test(`${name}.socketsJoin()`, async (scene) => {
      const { target, sockets } = await play(scene, of);
      target.socketsJoin(["red", "white"]);
      for (const { rooms } of sockets) expect([...rooms]).toEqual(expect.arrayContaining(["red", "white"]));
    });

    test(`${name}.socketsLeave()`, async (scene) => {
      const { target, sockets } = await play(scene, of);
      target.socketsLeave("blue");
      expect(sockets.map(({ rooms }) => rooms.has("blue"))).toEqual([false, false]);
      expect(sockets[1].rooms.has("green")).toBe(true);
    });

    test(`${name}.disconnectSockets()`, async (scene) => {
      for (const close of [false, true]) {
        const { target, a, b, sockets } = await play(scene, of);
        const ends = [once(a, "disconnect"), once(b, "disconnect")];
        target.disconnectSockets(close);
        for (const [reason] of await Promise.all(ends)) expect(reason).toBe("io server disconnect");
        if (close) await until(() => sockets[0].conn.readyState === "closed", "the end of the connection");
        expect(sockets[0].conn.readyState).toBe(close ? "closed" : "open");
      }
    });
  });
}

onServers("operators", (test) => {
  test("are immutable", async (scene) => {
    const { io, a, b } = await play(scene, TARGETS["io"] as (io: Server) => Target);
    const blue = io.to("blue");
    blue.to("green").except("blue");
    const [ofA, ofB] = await heard(io, [a, b], () => blue.emit("word"));
    expect([ofA, ofB]).toEqual([[["word"]], []]);
  });

  test("keep the order with what is emitted to one socket", async (scene) => {
    const { io, a, b, sockets } = await play(scene, TARGETS["io"] as (io: Server) => Target);
    const [ofA, ofB] = await heard(io, [a, b], () => {
      for (let n = 0; n < 40; n += 4) {
        io.emit("word", n);
        sockets[0].emit("word", n + 1);
        io.to(sockets[0].id).emit("word", n + 2, Buffer.from([n]));
        sockets[1].to("blue").emit("word", n + 3);
      }
    });
    expect(ofA?.map(([, n]) => n)).toEqual(Array.from({ length: 40 }, (_, n) => n));
    expect(ofB?.map(([, n]) => n)).toEqual(Array.from({ length: 10 }, (_, n) => 4 * n));
  });

  test("reach each client once", async (scene) => {
    const { io, a, b, sockets } = await play(scene, TARGETS["io"] as (io: Server) => Target);
    sockets[0].join("green");
    const [ofA, ofB] = await heard(io, [a, b], () => io.to("blue").to("green").emit("word"));
    expect([ofA, ofB]).toEqual([[["word"]], [["word"]]]);
  });

  test("except() takes a socket id", async (scene) => {
    const { io, a, b, sockets } = await play(scene, TARGETS["io"] as (io: Server) => Target);
    const [ofA, ofB] = await heard(io, [a, b], () => io.except(sockets[0].id).emit("word"));
    expect([ofA, ofB]).toEqual([[], [["word"]]]);
  });
});
