import { describe, expect, vi } from "vitest";
import { attack, SUBJECT, timed } from "../support/attack.js";
import { usedBytes } from "../support/memory.js";
import { once, turn, until, within } from "../support/wait.js";

// Socket.IO packets that are no good, over a WebSocket. The answer to all of them is the end of the offender's connection.

type Frames = readonly (string | Uint8Array)[];

const ONE = Uint8Array.of(1);
const placeholder = (num: unknown): string => `{"_placeholder":true,"num":${JSON.stringify(num)}}`;

const placeholders = (count: number): string =>
  Array.from({ length: count }, (_, num) => placeholder(num)).join(",");

/** Rows of packets after which the connection must be closed and no handler called. */
function closes(rows: readonly (readonly [name: string, ...frames: Frames])[]): void {
  for (const [name, ...frames] of rows) {
    attack(`${name}: closed`, async ({ join, heard, gone }) => {
      const { wire } = await join();
      wire.send(...frames);
      // The code of a limit is 1008; that its text names the limit is tested where limits are.
      expect([1005, 1008]).toContain(await wire.closed);
      await until(() => gone.length === 1, "the session to end");
      expect(heard).toEqual([]);
    });
  }
}

/** Rows of packets that harm nobody, though they mean nothing: the connection goes on. */
function harmless(rows: readonly (readonly [name: string, ...frames: Frames])[]): void {
  for (const [name, ...frames] of rows) {
    attack(`${name}: ignored`, async ({ join, heard }) => {
      const { wire } = await join();
      wire.send(...frames, '42["still"]');
      await until(() => heard.some(([event]) => event === "still"), "the event after it");
      expect(wire.open).toBe(true);
    });
  }
}

describe("headers", () => {
  closes([
    ["an unknown type", "47"],
    ["type 9", '49["e"]'],
    ["a type that is a letter", "4a"],
    ["a type that is a sign", "4-"],
    ["no type", "4"],
    ["a space as type (4.6)", "4 "],
    ["attachments that are none: 0 (S8)", '450-["e"]'],
    ["attachments that are none: empty (S8)", '45-["e"]'],
    ["attachments 1e0 (S8)", `451e0-["e",${placeholder(0)}]`, ONE],
    ["attachments 0x1 (S8)", `450x1-["e",${placeholder(0)}]`, ONE],
    ["attachments with a space (S8)", `45 1-["e",${placeholder(0)}]`, ONE],
    ["attachments 1.0 (S8)", `451.0-["e",${placeholder(0)}]`, ONE],
    ["attachments 01", `4501-["e",${placeholder(0)}]`, ONE],
    ["attachments +1", `45+1-["e",${placeholder(0)}]`, ONE],
    ["attachments -1", `45-1-["e",${placeholder(0)}]`, ONE],
    ["attachments without a hyphen", '451["e"]'],
    ["11 attachments (S7)", `4511-["e",${placeholders(11)}]`, ...Array.from({ length: 11 }, () => ONE)],
    ["a billion attachments (S7)", '451000000000-["e"]'],
    ["attachments beyond numbers (S7)", '4599999999999999999999-["e"]'],
    ["a hundred thousand digits of attachments (S4)", `45${"9".repeat(100_000)}-["e"]`],
    ["900,000 digits of attachments without end (S4)", `45${"1".repeat(900_000)}`],
    ["900,000 digits of an id (S4, 9)", `42${"1".repeat(900_000)}["e"]`],
    ["an id beyond safe numbers (9)", '429007199254740993["e"]'],
    ["an id with a space (4.6)", '42 1["e"]'],
    ["an id with a sign (9)", '42-1["e"]'],
    ["an id with a point", '421.5["e"]'],
    ["an id with a needless zero", '4201["e"]'],
    ["an id on CONNECT", '401{"a":1}'],
    ["a namespace of 100,000 characters", `42/${"x".repeat(100_000)},["e"]`],
    ["a namespace of 50,000 levels (GHSA-xxqp-5qx8-gj5q)", `40${"/a".repeat(50_000)},`],
    ["an ack without an id (9)", '43["e"]'],
  ]);
});

describe("data", () => {
  closes([
    ["nothing for an event", "42"],
    ["broken JSON", '42["e"'],
    ["two JSON texts", '42["e"]["f"]'],
    ["an object for an event", '42{"0":"e"}'],
    ["null for an event", "42null"],
    ["a string for an event", '42"e"'],
    ["an event without a name", "42[]"],
    ["a name that is null", "42[null]"],
    ["a name that is true", "42[true]"],
    ["a name that is an object with toString (S6)", '42[{"toString":"x"}]'],
    ["a name that is an array (S6)", '42[["e"]]'],
    ["a name that is a placeholder (S6)", `451-[${placeholder(0)}]`, ONE],
    ...["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"].map(
      (name) => [`the reserved name ${name} (S6, 5)`, `42["${name}","x"]`] as const,
    ),
    ["a reserved name with attachments", `451-["disconnect",${placeholder(0)}]`, ONE],
    ["a name of 2,000 characters (5)", `42["${"x".repeat(2_000)}"]`],
    ["an array for CONNECT", "40[]"],
    ["a string for CONNECT", '40"x"'],
    ["data for DISCONNECT", '41{"a":1}'],
    ["an object for an ack", '431{"a":1}'],
    ["nothing for an ack", "431"],
    ["text that is undefined", "42undefined"],
    ["NaN", '42["e",NaN]'],
    ["a comment", '42["e"/**/]'],
  ]);
});

describe("placeholders (S5, 6)", () => {
  closes([
    ...(["splice", "0", -1, 1, 0.5, 1e9, null, true, [0], {}] as const).map(
      (num) => [`the number ${JSON.stringify(num)}`, `451-["e",${placeholder(num)}]`, ONE] as const,
    ),
    ["no number", '451-["e",{"_placeholder":true}]', ONE],
    ["one of two attachments twice", `452-["e",${placeholder(1)},${placeholder(1)}]`, ONE, ONE],
    ["the same attachment twice", `451-["e",${placeholder(0)},${placeholder(0)}]`, ONE],
    ["the same attachment 20,000 times", `451-["e"${`,${placeholder(0)}`.repeat(20_000)}]`, ONE],
    ["an attachment that nothing asks for", '451-["e"]', ONE],
    ["one of two that nothing asks for", `452-["e",${placeholder(0)}]`, ONE, ONE],
    ["no data at all", "451-", ONE],
    ["text while attachments are missing", `452-["e",${placeholder(0)},${placeholder(1)}]`, ONE, '42["f"]'],
    ["a CONNECT while attachments are missing", `451-["e",${placeholder(0)}]`, "40/x,"],
    ["more attachments than announced", `451-["e",${placeholder(0)}]`, '42["f"', ONE],
    ["attachments of an ack with a name for a number", `461-1[${placeholder("pop")}]`, ONE],
    ["attachments on their own", ONE],
  ]);

  attack("in the app's own data are data", async ({ join, heard, bystander, io }) => {
    const { wire } = await join();
    wire.send(`42["e",${placeholder("splice")},${placeholder(0)}]`);
    await until(() => heard.length === 1, "the event");
    expect(heard).toEqual([["e", { _placeholder: true, num: "splice" }, { _placeholder: true, num: 0 }]]);
    const echoed = once(bystander, "e");
    io.emit("e", ...(heard[0]?.slice(1) ?? []));
    expect(await echoed).toEqual([
      { _placeholder: true, num: "splice" },
      { _placeholder: true, num: 0 },
    ]);
  });

  attack("that never get their attachments hold up nobody", async ({ join, roundTrip, io }) => {
    for (let n = 0; n < 20; n++) {
      const { wire } = await join();
      wire.send(`4510-["e",${Array.from({ length: 10 }, (_, num) => placeholder(num)).join(",")}]`);
      for (let sent = 0; sent < 9; sent++) wire.send(new Uint8Array(50_000));
      await roundTrip();
      wire.end();
    }
    await until(() => io.engine.clientsCount === 1, "the offenders to go");
  });
});

describe("JSON (7)", () => {
  const deep = (levels: number, open: string, close: string, core = "1"): string =>
    open.repeat(levels) + core + close.repeat(levels);

  closes([
    ["20,000 arrays", `42["e",${deep(20_000, "[", "]")}]`],
    ["20,000 objects", `42["e",${deep(20_000, '{"a":', "}")}]`],
    ["20,000 arrays around an attachment", `451-["e",${deep(20_000, "[", "]", placeholder(0))}]`, ONE],
    ["100,000 brackets that never close", `42["e",${"[".repeat(100_000)}`],
    ["20,000 levels in an ack", `431[${deep(20_000, "[", "]")}]`],
  ]);

  // So are more than 16 KB: see memory.test.ts.
  attack("2,000 levels of auth are refused before they are read", async ({ join }) => {
    const { wire } = await join();
    wire.send(`40/x,${deep(2000, '{"a":', "}")}`);
    expect(String(await wire.nextMessage())).toMatch(/^44\/x,\{"message":"Auth payload too large"/);
  });

  harmless([
    ["brackets in a string", `42["e","${"[".repeat(20_000)}${'{\\"'.repeat(1000)}"]`],
    ["60 levels", `42["e",${deep(60, "[", "]")}]`],
    ["100,000 arguments", `42["e"${",0".repeat(100_000)}]`],
    ["50,000 keys", `42["e",{${Array.from({ length: 50_000 }, (_, n) => `"k${n}":0`).join(",")}}]`],
    ["the same key 50,000 times", `42["e",{${Array.from({ length: 50_000 }, () => '"k":0').join(",")}}]`],
    ["numbers that are too large", '42["e",1e999,-1e999,123456789012345678901234567890]'],
    ["surrogates alone", '42["e","\\ud800","\\udfff"]'],
    ["a long string", `42["e","${"x".repeat(900_000)}"]`],
  ]);

  attack("keys that are names of prototypes are keys (4, CVE-2026-49252)", async ({ join, heard }) => {
    const { wire } = await join();
    wire.send('42["e",{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":2}}}]');
    wire.send(`451-["e",{"__proto__":{"a":${placeholder(0)}}}]`, ONE);
    wire.send('40/x,{"__proto__":{"polluted":3}}');
    await until(() => heard.length === 2, "the events");
    expect(({} as Record<string, unknown>)["polluted"]).toBeUndefined();
    expect(([] as unknown as Record<string, unknown>)["a"]).toBeUndefined();
    const [, first] = heard[0] as [string, object];
    expect(Object.getPrototypeOf(first)).toBe(Object.prototype);
  });
});

describe("names (4, 5)", () => {
  const names = [
    "error",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "emit",
    "on",
    "domain",
    "end",
    "close",
  ];

  attack("of events are only that: error without a listener ends nothing (S3)", async ({ join, heard }) => {
    const { wire } = await join();
    for (const name of names) wire.send(`42[${JSON.stringify(name)},{"message":"x"}]`);
    wire.send('42[""]', "42[0]", "42[1.5]", '42["last"]');
    await until(() => heard.at(-1)?.[0] === "last", "the events");
    expect(heard.map(([name]) => name)).toEqual([...names, "", 0, 1.5, "last"]);
    expect(wire.open).toBe(true);
  });

  attack("of namespaces that do not exist are refused, whatever they are", async ({ join, io }) => {
    const { wire } = await join();
    for (const name of ["/__proto__", "/constructor", "/a?x=1", "//", "/ ", "/\u0000", "/\u{1F600}"]) {
      wire.send(`40${name},`);
      expect(await wire.nextMessage()).toBe(`44${name},{"message":"Invalid namespace"}`);
    }
    expect([...io._nsps.keys()]).toEqual(["/"]);
  });

  attack("of rooms may come from clients", async ({ join, io, bystander, roundTrip }) => {
    const { wire, socket } = await join();
    socket.on("join", (room: string) => socket.join(room));
    for (const name of names) wire.send(`42["join",${JSON.stringify(name)}]`);
    await until(() => socket.rooms.size === names.length + 1, "the rooms");
    for (const name of names) io.to(name).emit("e", name);
    for (const name of names) expect(await wire.nextMessage()).toBe(`42["e",${JSON.stringify(name)}]`);
    expect(bystander.connected).toBe(true);
    wire.end();
    await until(() => io.sockets.sockets.size === 1, "the offender to go");
    expect(io.of("/").adapter.rooms.size).toBe(1);
    await roundTrip();
  });

  attack(
    "that a regular expression takes its time with are its app's business, those of the library are not (S20, 20)",
    async ({ join, io }) => {
      io.of(/^\/room-[a-z]+$/);
      const { wire } = await join();
      const spent = await timed(async () => {
        wire.send(`40/room-${"a".repeat(500)}!,`);
        expect(await wire.nextMessage()).toContain("Invalid namespace");
      });
      expect(spent).toBeLessThan(500);
    },
  );
});

describe("out of place", () => {
  closes([
    ["a second CONNECT", "40"],
    ["a CONNECT_ERROR from a client", '44{"message":"x"}'],
    ["an event for a namespace that was not joined", '42/admin,["e"]'],
    ["an ack for a namespace that was not joined", '43/admin,1["e"]'],
    ["a DISCONNECT of a namespace that was not joined", "41/admin,"],
    ["an event for a namespace called like a prototype", '42/__proto__,["e"]'],
  ]);

  for (const [name, frame] of [
    ["an event", '42["e"]'],
    ["an ack", '431["e"]'],
    ["a DISCONNECT", "41"],
    ["binary", `451-["e",${placeholder(0)}]`],
  ] as const) {
    attack(`${name} before CONNECT: closed`, async ({ wire, heard, io }) => {
      const peer = await wire();
      await peer.next();
      peer.send(frame, ONE);
      expect(await peer.closed).toBe(1005);
      await until(() => io.engine.clientsCount === 1, "the session to end");
      expect(heard).toEqual([]);
    });
  }

  harmless([
    ["an ack that nobody asked for (9)", '43123["x"]'],
    ["10,000 acks that nobody asked for (9)", ...Array.from({ length: 10_000 }, (_, n) => `43${n}["x"]`)],
    ["a binary ack that nobody asked for", `461-5[${placeholder(0)}]`, ONE],
  ]);

  attack("an ack that comes twice counts once (9)", async ({ join }) => {
    const { wire, socket } = await join();
    let answers = 0;
    socket.emit("q", () => {
      answers += 1;
    });
    const id = /^42(\d+)/.exec(String(await wire.nextMessage()))?.[1];
    wire.send(`43${id}["a"]`, `43${id}["b"]`, `461-${id}[${placeholder(0)}]`, ONE, '42["end"]');
    await once(socket, "end");
    expect(answers).toBe(1);
  });

  attack("an ack for somebody else's question is nobody's (9)", async ({ join, io }) => {
    const { wire: one, socket } = await join();
    const { wire: two, socket: stranger } = await join();
    const answers: unknown[] = [];
    socket.emit("q", (answer: unknown) => answers.push(answer));
    const id = /^42(\d+)/.exec(String(await one.nextMessage()))?.[1];
    two.send(`43${id}["forged"]`, '42["end"]');
    await once(stranger, "end");
    expect(answers).toEqual([]);
    const ended = new Promise((resolve) =>
      io
        .to(socket.id)
        .timeout(4_000)
        .emit("all", (...args: unknown[]) => resolve(args)),
    );
    const broadcast = /^42(\d+)/.exec(String(await one.nextMessage()))?.[1];
    two.send(`43${broadcast}["forged"]`, '42["end"]');
    await once(stranger, "end");
    one.send(`43${broadcast}["true"]`);
    expect(await ended).toEqual([null, ["true"]]);
  });

  attack("an ack after the end is nobody's (9)", async ({ join, roundTrip }) => {
    const { wire, socket } = await join();
    let answers = 0;
    socket.timeout(60_000).emit("q", () => {
      answers += 1;
    });
    const id = /^42(\d+)/.exec(String(await wire.nextMessage()))?.[1];
    wire.send("41", `43${id}["late"]`);
    await once(socket, "disconnect");
    await roundTrip();
    expect(answers).toBeLessThanOrEqual(1);
  });
});

describe("too many", () => {
  attack("namespaces for one connection are refused, not more than that (8, 20)", async ({ join, io }) => {
    io.of(/^\/n-/);
    const { wire } = await join();
    for (let n = 0; n < 300; n++) wire.send(`40/n-${n},`);
    let refused = 0;
    let let_in = 0;
    for (let n = 0; n < 300; n++) {
      const answer = String(await wire.nextMessage());
      if (answer.startsWith("44")) refused += 1;
      else let_in += 1;
    }
    if (SUBJECT === "sockeye") expect([let_in, refused]).toEqual([127, 173]);
    wire.send('42["still"]');
    await turn();
    expect(wire.open).toBe(true);
  });

  attack(
    "CONNECTs while a middleware thinks let in one, not a thousand (23)",
    async ({ join, io, heard }) => {
      const decisions: (() => void)[] = [];
      io.of("/slow").use((_socket, next) => decisions.push(next));
      const { wire } = await join();
      for (let n = 0; n < 1_000; n++) wire.send("40/slow,");
      wire.send('42["last"]');
      await until(() => heard.length === 1, "all of them to be read");
      for (const decide of decisions) decide();
      expect(await wire.nextMessage()).toMatch(/^40\/slow,/);
      wire.send('42["still"]');
      await until(() => heard.length === 2, "the event after it");
      expect(io.of("/slow").sockets.size).toBe(1);
    },
  );

  attack(
    "clients whose middleware never decides do not stay for ever (23)",
    async ({ wire, io }) => {
      io.use(() => {});
      const peers = await Promise.all(Array.from({ length: 10 }, () => wire()));
      for (const peer of peers) peer.send("40");
      await Promise.all(peers.map((peer) => peer.closed));
      await until(() => io.engine.clientsCount === 1, "them to go");
    },
    { connectTimeout: 60 },
  );
});

describe("the app's own mistakes stay with their client", () => {
  const cycle: Record<string, unknown> = {};
  cycle["self"] = cycle;
  let deep: unknown = 1;
  for (let level = 0; level < 20_000; level++) deep = [deep];
  const rows: readonly (readonly [name: string, value: unknown])[] = [
    ["a cycle", cycle],
    ["a BigInt", 1n],
    ["20,000 levels", deep],
    [
      "a toJSON that throws",
      {
        toJSON: () => {
          throw new Error("no");
        },
      },
    ],
    [
      "a getter that throws",
      {
        get a(): unknown {
          throw new Error("no");
        },
      },
    ],
    ["a cycle around bytes", { bytes: ONE, cycle }],
  ];
  for (const [name, value] of rows) {
    attack(
      `${name} cannot be sent: emit throws, all else goes on (CVE-2020-13410, 7)`,
      async ({ join, io, bystander }) => {
        const { wire, socket } = await join();
        expect(() => socket.emit("e", value)).toThrow();
        expect(() => io.emit("e", value)).toThrow();
        const heard = once(bystander, "after");
        socket.emit("after", 1);
        io.emit("after", 2);
        expect(await wire.nextMessage()).toBe('42["after",1]');
        expect(await wire.nextMessage()).toBe('42["after",2]');
        expect(await heard).toEqual([2]);
      },
    );
  }

  attack("an answer that cannot be sent", async ({ join, bystander, roundTrip }) => {
    const { wire, socket } = await join();
    const thrown = new Promise<unknown>((resolve) => {
      socket.on("q", (answer: (value: unknown) => void) => {
        try {
          answer(1n);
          resolve(undefined);
        } catch (error) {
          resolve(error);
        }
      });
    });
    wire.send('421["q"]');
    await within(thrown, "the handler");
    await roundTrip();
    expect(bystander.connected).toBe(true);
  });

  attack("a handler that throws, or rejects", async ({ join, roundTrip, heard }) => {
    const { wire, socket } = await join();
    socket.on("throws", () => {
      throw new Error("a mistake of the app");
    });
    socket.on("rejects", async () => {
      throw new Error("a mistake of the app");
    });
    if (SUBJECT === "sockeye") {
      wire.send('42["throws"]', '42["rejects"]', '421["throws"]', '42["after"]');
      await until(() => heard.at(-1)?.[0] === "after", "the event after it");
      expect(wire.open).toBe(true);
    }
    await roundTrip();
  });

  attack("what a middleware says is all that a client is told (24)", async ({ wire, io }) => {
    io.of("/closed").use((_socket, next) => {
      const error = new Error("not authorized", { cause: new Error("secret cause") });
      next(Object.assign(error, { secret: 1, data: { code: 1 } }));
    });
    const peer = await wire();
    await peer.next();
    peer.send("40/closed,");
    expect(await peer.next()).toBe('44/closed,{"message":"not authorized","data":{"code":1}}');
  });
});

describe("broadcasts with acknowledgements (S17)", () => {
  attack("that nobody answers leave nothing behind", async ({ join, io }) => {
    const { wire } = await join();
    for (let n = 0; n < 50; n++) {
      await expect(io.timeout(1).emitWithAck("q", n)).rejects.toThrow("operation has timed out");
    }
    for (let n = 0; n < 50; n++) wire.send(`43${n}["late"]`);
    wire.send('42["end"]');
    await turn();
    expect(wire.open).toBe(true);
  });

  attack("of clients who leave come to an end", async ({ join, io, bystander }) => {
    const { wire } = await join();
    bystander.on("q", (answer: (text: string) => void) => answer("here"));
    const asked = io
      .timeout(300)
      .emitWithAck("q")
      .then(
        (responses: unknown[]) => responses,
        (error: { responses: unknown[] }) => error.responses,
      );
    await wire.nextMessage();
    wire.end();
    expect(await asked).toEqual(["here"]);
  });
});

describe("what a reader of the code would try", () => {
  attack(
    "a CONNECT a thousand times while a middleware decides runs it once at a time",
    async ({ io, wire }) => {
      let running = 0;
      let most = 0;
      let runs = 0;
      io.of("/slow").use((_socket, next) => {
        runs++;
        most = Math.max(most, ++running);
        setTimeout(() => {
          running--;
          next();
        }, 20);
      });
      const peer = await wire();
      await peer.next();
      for (let n = 0; n < 1000; n++) peer.send(`40/slow,{"n":${n}}`);
      expect(await peer.nextMessage()).toMatch(/^40\/slow,/);
      expect(most).toBe(1);
      // One more for each time that it has decided meanwhile.
      expect(runs).toBeLessThan(100);
    },
  );

  attack("joining and leaving in a loop comes to an end", async ({ io, wire }) => {
    let runs = 0;
    io.of("/loop").use((_socket, next) => {
      runs++;
      next();
    });
    const peer = await wire();
    await peer.next();
    for (let n = 0; n < 2000; n++) {
      peer.send("40/loop,");
      const answer = String(await peer.nextMessage());
      if (answer.startsWith("44")) break;
      peer.send("41/loop,");
      await until(() => io.of("/loop").sockets.size === 0, "it to leave");
    }
    expect(runs).toBeLessThanOrEqual(600);
  });

  attack("names of namespaces do not keep the packets that they came with", async ({ io, poller }) => {
    io.of(/^\/room-/);
    const peer = await poller();
    const before = await usedBytes();
    for (let n = 0; n < 60; n++) {
      const name = `/room-with-the-number-${n}`;
      await peer.post(`40${name},\x1e42${name},["e","${"x".repeat(900_000)}"]`);
    }
    expect((await usedBytes()) - before).toBeLessThan(10e6);
  });

  attack("a name of an event forges no line of the log", async ({ join, io }) => {
    const printed: string[] = [];
    const print = vi.spyOn(console, "error").mockImplementation((...args) => {
      printed.push(args.map((each) => (each instanceof Error ? String(each.stack) : String(each))).join(" "));
    });
    try {
      const { wire, socket } = await join();
      socket.onAny((event: string) => {
        throw new Error(`no handler of ${event}`);
      });
      wire.send(`42${JSON.stringify(["x\n2026-01-01 all is well\x1b[2J\u2028\u202e"])}`);
      await until(() => printed.length === 1, "the error to be printed");
      expect(printed[0]).not.toMatch(/^2026|[\p{Zl}\u202e]|(?!\n)\p{Cc}/mu);
      expect(io.of("/").sockets.has(socket.id)).toBe(true);
    } finally {
      print.mockRestore();
    }
  });
});
