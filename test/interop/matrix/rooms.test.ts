import type { Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { expect } from "vitest";
import type { Site } from "../../support/servers.js";
import { type Both, matrix, type Stage, timedMatrix } from "../../support/stage.js";
import { once, turn } from "../../support/wait.js";

interface Crowd {
  readonly site: Site;
  readonly a: Both;
  readonly b: Both;
  readonly c: Both;
  /** Who heard `e` of what was sent in `act`, in the order a, b, c; a name stands there as often as it was heard. */
  whoHears(act: () => void): Promise<string>;
}

async function crowd(stage: Stage): Promise<Crowd> {
  const site = await stage.serve();
  const [a, b, c] = await Promise.all([stage.connect(site), stage.connect(site), stage.connect(site)]);
  const heard: string[] = [];
  const all: readonly (readonly [string, ClientSocket])[] = [
    ["a", a.client],
    ["b", b.client],
    ["c", c.client],
  ];
  for (const [name, client] of all) client.on("e", () => heard.push(name));
  return {
    site,
    a,
    b,
    c,
    async whoHears(act): Promise<string> {
      heard.length = 0;
      act();
      // What is sent after it arrives after it, so the fence proves that nothing more comes.
      const fences = Promise.all(all.map(([, client]) => once(client, "fence")));
      for (const half of [a, b, c]) half.socket.emit("fence");
      await fences;
      return heard.sort().join("");
    },
  };
}

matrix("rooms and broadcasts", (behaves) => {
  behaves("reach the members, each once", async (stage) => {
    const { site, a, b, whoHears } = await crowd(stage);
    a.socket.join(["one", "two"]);
    b.socket.join("two");
    expect(await whoHears(() => site.io.emit("e"))).toBe("abc");
    expect(await whoHears(() => site.io.to("one").emit("e"))).toBe("a");
    expect(await whoHears(() => site.io.in("two").emit("e"))).toBe("ab");
    expect(await whoHears(() => site.io.to("one").to("two").emit("e"))).toBe("ab");
    expect(await whoHears(() => site.io.to(["one", "two"]).emit("e"))).toBe("ab");
    expect(await whoHears(() => site.io.to("nobody").emit("e"))).toBe("");
    expect(await whoHears(() => site.io.of("/").to("two").emit("e"))).toBe("ab");
  });

  behaves("spare those who are excepted", async (stage) => {
    const { site, a, b, c, whoHears } = await crowd(stage);
    a.socket.join(["one", "two"]);
    b.socket.join("two");
    expect(await whoHears(() => site.io.except("two").emit("e"))).toBe("c");
    expect(await whoHears(() => site.io.to("two").except("one").emit("e"))).toBe("b");
    expect(await whoHears(() => site.io.except(c.socket.id).emit("e"))).toBe("ab");
    expect(await whoHears(() => site.io.except(["one", c.socket.id]).emit("e"))).toBe("b");
    expect(await whoHears(() => site.io.to("one").except("two").emit("e"))).toBe("");
  });

  behaves("from a socket never come back to it", async (stage) => {
    const { a, b, c, whoHears } = await crowd(stage);
    a.socket.join("one");
    b.socket.join("one");
    expect(await whoHears(() => a.socket.broadcast.emit("e"))).toBe("bc");
    expect(await whoHears(() => a.socket.to("one").emit("e"))).toBe("b");
    expect(await whoHears(() => a.socket.in("one").emit("e"))).toBe("b");
    expect(await whoHears(() => a.socket.except("one").emit("e"))).toBe("c");
    expect(await whoHears(() => a.socket.broadcast.to("one").emit("e"))).toBe("b");
    expect(await whoHears(() => a.socket.to(a.socket.id).emit("e"))).toBe("");
    expect(await whoHears(() => a.socket.to(c.socket.id).emit("e"))).toBe("c");
    expect(await whoHears(() => a.socket.local.emit("e"))).toBe("bc");
  });

  behaves("are named like sockets for messages to one", async (stage) => {
    const { site, b, whoHears } = await crowd(stage);
    expect([...b.socket.rooms]).toEqual([b.socket.id]);
    expect(await whoHears(() => site.io.to(b.socket.id).emit("e"))).toBe("b");
    expect(await whoHears(() => site.io.to(b.client.id ?? "").emit("e"))).toBe("b");
  });

  behaves("are left", async (stage) => {
    const { site, a, b, whoHears } = await crowd(stage);
    a.socket.join("one");
    b.socket.join("one");
    expect([...a.socket.rooms].sort()).toEqual([a.socket.id, "one"].sort());
    a.socket.leave("one");
    expect(a.socket.rooms.has("one")).toBe(false);
    expect(await whoHears(() => site.io.to("one").emit("e"))).toBe("b");
    b.socket.leave("never joined");
    b.socket.leave(b.socket.id);
    expect(await whoHears(() => site.io.to(b.socket.id).emit("e"))).toBe("");
  });

  behaves("have any name", async (stage) => {
    const { site, a, whoHears } = await crowd(stage);
    for (const room of ["", " ", "__proto__", "constructor", "ünï 😀", "/", "a,b"]) {
      a.socket.join(room);
      expect(a.socket.rooms.has(room), room).toBe(true);
      expect(await whoHears(() => site.io.to(room).emit("e")), room).toBe("a");
    }
  });

  behaves("forget who disconnects, and tell before they do", async (stage) => {
    const { site, a } = await crowd(stage);
    const { adapter } = site.io.of("/");
    const events: string[] = [];
    for (const name of ["create-room", "join-room", "leave-room", "delete-room"]) {
      adapter.on(name, (room: string) => {
        if (room === "one") events.push(name);
      });
    }
    a.socket.join("one");
    expect([...(adapter.rooms.get("one") ?? [])]).toEqual([a.socket.id]);
    expect(adapter.sids.get(a.socket.id)?.has("one")).toBe(true);
    const roomsThen = new Promise<string[]>((resolve) => {
      a.socket.on("disconnecting", () => resolve([...a.socket.rooms]));
    });
    const gone = once(a.socket, "disconnect");
    a.client.disconnect();
    expect((await roomsThen).sort()).toEqual([a.socket.id, "one"].sort());
    await gone;
    expect(a.socket.rooms.size).toBe(0);
    expect(adapter.rooms.has("one")).toBe(false);
    expect(adapter.sids.has(a.socket.id)).toBe(false);
    expect(events).toEqual(["create-room", "join-room", "leave-room", "delete-room"]);
    a.socket.join("two");
    expect(adapter.rooms.has("two")).toBe(false);
  });

  behaves("keep a selection unchanged by what is added to it", async (stage) => {
    const { site, a, b, whoHears } = await crowd(stage);
    a.socket.join("one");
    b.socket.join("two");
    const one = site.io.to("one");
    one.to("two");
    one.except("one");
    expect(await whoHears(() => one.emit("e"))).toBe("a");
  });

  behaves("take volatile messages", async (stage) => {
    const { site, a } = await crowd(stage);
    a.socket.join("one");
    const heard = once(a.client, "v");
    const nag = setInterval(() => site.io.to("one").volatile.emit("v", 1), 10);
    stage.defer(() => clearInterval(nag));
    expect(await heard).toEqual([1]);
  });

  behaves("arrive in the order of their sending", async (stage) => {
    const { site, a } = await crowd(stage);
    a.socket.join("one");
    const heard: number[] = [];
    a.client.on("n", (n: number) => heard.push(n));
    const end = once(a.client, "end");
    for (let n = 0; n < 100; n += 4) {
      site.io.emit("n", n);
      a.socket.emit("n", n + 1);
      site.io.to("one").emit("n", n + 2);
      site.io.to(a.socket.id).emit("n", n + 3);
    }
    a.socket.emit("end");
    await end;
    expect(heard).toEqual(Array.from({ length: 100 }, (_, n) => n));
  });
});

timedMatrix("broadcasts with acknowledgements", (behaves) => {
  const answerAll = (crowded: Crowd): void => {
    for (const half of [crowded.a, crowded.b, crowded.c]) {
      half.client.on("q", (n: number, answer: (text: string) => void) => answer(`${half.client.id} ${n}`));
    }
  };
  const answers = (n: number, ...sockets: Socket[]): string[] =>
    sockets.map((socket) => `${socket.id} ${n}`).sort();

  behaves("collect the answers of all", async (stage) => {
    const crowded = await crowd(stage);
    const { site, a, b, c } = crowded;
    answerAll(crowded);
    const got = await new Promise<[unknown, string[]]>((resolve) => {
      site.io.timeout(4000).emit("q", 1, (...args: unknown[]) => resolve(args as [unknown, string[]]));
    });
    expect(got[0]).toBeNull();
    expect(got[1].sort()).toEqual(answers(1, a.socket, b.socket, c.socket));
    const awaited = (await site.io.timeout(4000).emitWithAck("q", 2)) as string[];
    expect(awaited.sort()).toEqual(answers(2, a.socket, b.socket, c.socket));
  });

  behaves("collect the answers of the chosen", async (stage) => {
    const crowded = await crowd(stage);
    const { site, a, b } = crowded;
    answerAll(crowded);
    a.socket.join("one");
    b.socket.join("one");
    const one = (await site.io.to("one").timeout(4000).emitWithAck("q", 1)) as string[];
    expect(one.sort()).toEqual(answers(1, a.socket, b.socket));
    expect(await a.socket.to("one").timeout(4000).emitWithAck("q", 2)).toEqual(answers(2, b.socket));
    expect(await site.io.to("nobody").timeout(4000).emitWithAck("q", 3)).toEqual([]);
  });

  behaves("carry binary", async (stage) => {
    const crowded = await crowd(stage);
    for (const half of [crowded.a, crowded.b, crowded.c]) {
      half.client.on("bin", (data: Buffer, answer: (data: Buffer) => void) => answer(data));
    }
    const data = Buffer.from([1, 2, 3]);
    expect(await crowded.site.io.timeout(4000).emitWithAck("bin", data)).toEqual([data, data, data]);
  });

  behaves("hand over what came in time", async (stage) => {
    const { site, a } = await crowd(stage);
    a.client.on("q", (answer: (text: string) => void) => answer("here"));
    const [error, responses] = await new Promise<[Error, unknown[]]>((resolve) => {
      site.io.timeout(300).emit("q", (...args: unknown[]) => resolve(args as [Error, unknown[]]));
    });
    expect(error).toBeInstanceOf(Error);
    expect(error.message).toBe("operation has timed out");
    expect(responses).toEqual(["here"]);
    const awaited = site.io.timeout(300).emitWithAck("q");
    await expect(awaited).rejects.toMatchObject({ message: "operation has timed out", responses: ["here"] });
  });

  behaves("leave nothing behind at late answers", async (stage) => {
    const { site, a, b, c } = await crowd(stage);
    const late: (() => void)[] = [];
    for (const half of [a, b, c]) {
      half.client.on("q", (answer: (text: string) => void) => late.push(() => answer("late")));
    }
    let calls = 0;
    const asked = Promise.all([a, b, c].map((half) => once(half.client, "q")));
    await new Promise<void>((resolve) => {
      site.io.timeout(30).emit("q", () => {
        calls += 1;
        resolve();
      });
    });
    await asked;
    const fences = Promise.all([a, b, c].map((half) => once(half.socket, "fence")));
    for (const answer of late) answer();
    for (const half of [a, b, c]) half.client.emit("fence");
    await fences;
    await turn();
    expect(calls).toBe(1);
  });
});
