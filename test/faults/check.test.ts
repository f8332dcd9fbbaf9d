import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { check, type Violation } from "./check.js";
import { emptyHistory, type History, join, type Mark, type Side } from "./history.js";
import { tally } from "./tally.js";

// A checker that finds nothing may be one that cannot: here it gets histories with one thing wrong.

const UP = ["u0", "w1", "x2", "ae1", "u3"];
const DOWN = ["d0", "b0", "e1", "aw1", "r1", "v2", "d3"];

function marks(keys: readonly string[]): Mark[] {
  return keys.map((key, index) => ({ key, at: index + 1 }));
}

/** One conversation in which all is well. */
function talk(
  history: History,
  id: string,
  up: readonly string[] = UP,
  down: readonly string[] = DOWN,
): Both {
  const client = join(history.atClient, id, { at: 0, recovered: false });
  const server = join(history.atServer, id, { at: 0, recovered: false });
  client.sent.push(...marks(up));
  server.got.push(...marks(up));
  server.sent.push(...marks(down));
  client.got.push(...marks(down));
  return { client, server };
}

interface Both {
  readonly client: Side;
  readonly server: Side;
}

function end({ client, server }: Both): void {
  for (const side of [client, server]) side.partings.push({ at: 10, reason: "transport close" });
}

function recover({ client, server }: Both): void {
  end({ client, server });
  for (const side of [client, server]) side.joinings.push({ at: 11, recovered: true });
}

function without(list: Mark[], ...keys: string[]): void {
  const kept = list.filter(({ key }) => !keys.includes(key));
  list.splice(0, list.length, ...kept);
}

type Case = readonly [title: string, kinds: readonly Violation["kind"][], plant: (history: History) => void];

const CASES: readonly Case[] = [
  ["all is well", [], (h) => talk(h, "A")],
  ["what is volatile is missing", [], (h) => without(talk(h, "A").client.got, "v2")],
  ["an event is missing, no end was told", ["lost"], (h) => without(talk(h, "A").client.got, "d3")],
  [
    "the last two of a client are missing",
    ["lost", "lost"],
    (h) => without(talk(h, "A").server.got, "ae1", "u3"),
  ],
  ["one in the middle is missing", ["gap"], (h) => without(talk(h, "A").server.got, "w1")],
  ["a broadcast is missing between direct events", ["gap"], (h) => without(talk(h, "A").client.got, "b0")],
  ["an answer never came", ["gap"], (h) => without(talk(h, "A").client.got, "aw1")],
  ["an answer came twice", ["twice"], (h) => talk(h, "A").client.got.push({ key: "aw1", at: 9 })],
  [
    "an answer to an event that nobody handled",
    ["invented"],
    (h) => talk(h, "A").client.got.push({ key: "aw9", at: 9 }),
  ],
  [
    "a broadcast overtakes a direct event",
    ["order"],
    (h) => talk(h, "A").client.got.splice(0, 2, ...marks(["b0", "d0"])),
  ],
  [
    "a volatile one comes late",
    ["order"],
    (h) => {
      const { got } = talk(h, "A").client;
      without(got, "v2");
      got.push({ key: "v2", at: 9 });
    },
  ],
  [
    "the end of a conversation that ended is missing",
    [],
    (h) => {
      const both = talk(h, "A");
      without(both.client.got, "d3", "v2", "r1");
      without(both.server.got, "u3");
      end(both);
      talk(h, "B", ["u4"], ["d4"]);
    },
  ],
  [
    "one in the middle of it is missing",
    ["gap"],
    (h) => {
      const both = talk(h, "A");
      without(both.client.got, "e1");
      end(both);
    },
  ],
  [
    "the end is missing, and only the server was told",
    ["lost", "half-open"],
    (h) => {
      const both = talk(h, "A");
      without(both.client.got, "d3");
      both.server.partings.push({ at: 10, reason: "ping timeout" });
    },
  ],
  [
    "handled again in the next conversation",
    ["twice"],
    (h) => {
      end(talk(h, "A"));
      const { server } = talk(h, "B", ["u4"], []);
      server.got.push({ key: "u3", at: 12 });
    },
  ],
  [
    "sent when it was about to end, handled in the next",
    [],
    (h) => {
      const both = talk(h, "A");
      without(both.server.got, "u3");
      end(both);
      talk(h, "B", [], []).server.got.push({ key: "u3", at: 12 });
    },
  ],
  [
    "the server's, handled in the next",
    ["invented"],
    (h) => {
      const both = talk(h, "A");
      without(both.client.got, "d3");
      end(both);
      talk(h, "B", [], []).client.got.push({ key: "d3", at: 12 });
    },
  ],
  [
    "recovered with a gap that recovery does not fill",
    [],
    (h) => {
      const both = talk(h, "A");
      recover(both);
      without(both.server.got, "u0", "w1", "u3");
      without(both.client.got, "aw1", "e1");
    },
  ],
  [
    "recovered with a gap that it fills",
    ["gap", "gap"],
    (h) => {
      const both = talk(h, "A");
      recover(both);
      without(both.client.got, "b0", "r1");
    },
  ],
  [
    "recovered, says the client alone",
    ["lie"],
    (h) => {
      const both = talk(h, "A");
      end(both);
      both.client.joinings.push({ at: 11, recovered: true });
      both.server.joinings.push({ at: 11, recovered: false });
      both.server.joinings.length = 1;
      both.server.partings.length = 0;
    },
  ],
  [
    "the server recovers what was not",
    ["half-open", "lie"],
    (h) => {
      join(h.atServer, "A", { at: 0, recovered: true });
    },
  ],
  [
    "an id comes again, and nobody says recovered",
    ["lie", "lie"],
    (h) => {
      const both = talk(h, "A");
      end(both);
      for (const side of [both.client, both.server]) side.joinings.push({ at: 11, recovered: false });
    },
  ],
  [
    "a socket that only the client has",
    ["lie"],
    (h) => {
      join(h.atClient, "A", { at: 0, recovered: false });
    },
  ],
  [
    "a socket that the client never heard of, with all that was sent",
    [],
    (h) => {
      const side = join(h.atServer, "A", { at: 0, recovered: false });
      side.sent.push(...marks(DOWN));
      side.partings.push({ at: 3, reason: "transport close" });
    },
  ],
  ["a body is damaged", ["fault"], (h) => h.faults.push("u1 arrives damaged")],
];

describe("the checker", () => {
  it.each(CASES)("%s", (_title, kinds, plant) => {
    const history = emptyHistory(0, "websocket");
    plant(history);
    const found = check(history, { mayEnd: true });
    expect(found.map(({ kind }) => kind)).toEqual(kinds);
  });

  it("finds an end where none may be, at each end", () => {
    const history = emptyHistory(0, "websocket");
    end(talk(history, "A"));
    expect(check(history, { mayEnd: false }).map(({ kind }) => kind)).toEqual(["ended", "ended"]);
  });

  it("but not where the client wants it, or never had it", () => {
    const history = emptyHistory(0, "websocket");
    const { client, server } = talk(history, "A");
    client.partings.push({ at: 10, reason: "io client disconnect" });
    server.partings.push({ at: 11, reason: "transport close" });
    join(history.atServer, "B", { at: 12, recovered: false }).partings.push({
      at: 13,
      reason: "transport close",
    });
    expect(check(history, { mayEnd: false })).toEqual([]);
  });

  it("shows the place", () => {
    const history = emptyHistory(7, "websocket");
    without(talk(history, "A").client.got, "e1");
    const [violation] = check(history, { mayEnd: true });
    expect(violation).toMatchObject({
      client: 7,
      at: 3,
      text: "down, socket A: e1 is missing, what was sent later is not",
    });
    expect(violation?.excerpt).toEqual([
      "sent d0@1 b0@2 >e1@3< aw1@4 r1@5 v2@6",
      "handled d0@1 b0@2 aw1@4 r1@5 v2@6 d3@7 and no more",
    ]);
  });

  it("finds whatever is taken away, doubled or swapped, anywhere", () => {
    const keys = fc.uniqueArray(fc.nat(999), { minLength: 2, maxLength: 40 });
    const harm = fc.constantFrom("lose", "double", "swap");
    fc.assert(
      fc.property(keys, fc.nat(), harm, fc.boolean(), (numbers, where, what, isDown) => {
        const history = emptyHistory(0, "websocket");
        const list = numbers.map((number) => `${isDown ? "d" : "u"}${number}`);
        const { client, server } = talk(history, "A", isDown ? [] : list, isDown ? list : []);
        const { got } = isDown ? client : server;
        expect(check(history, { mayEnd: false })).toEqual([]);
        const place = where % (got.length - 1);
        const [one, two] = got.slice(place, place + 2) as [Mark, Mark];
        const instead = { lose: [two], double: [one, two, one], swap: [two, one] }[what] ?? [];
        got.splice(place, 2, ...instead);
        expect(check(history, { mayEnd: false })).not.toEqual([]);
      }),
    );
  });
});

it("the tally counts what is lost for good, whether it may be or not", () => {
  const history = emptyHistory(0, "websocket");
  const both = talk(history, "A");
  without(both.client.got, "d3", "r1", "aw1", "v2");
  without(both.server.got, "u3");
  end(both);
  talk(history, "B", [], ["r1"]);
  history.missedAway.push(...marks(["b7", "d0"]));
  const found = check(history, { mayEnd: true });
  expect(tally(history, found)).toEqual({
    sent: 10,
    lostUp: 1,
    lostDown: 1,
    unanswered: 1,
    missedAway: 1,
    twice: 0,
    disordered: 0,
    ended: 1,
    recovered: 0,
    suspended: 0,
    resumed: 0,
  });
});
