import { type RateStore, rateLimit, type Server } from "@sockeye/server";
import { describe, expect, test } from "vitest";
import { once, until } from "../../../test/support/wait.js";
import { join, roundTrip, serve } from "./site.js";

/** Enough for the events that the tests do not mean. */
const SLOW = { perMs: 3_600_000 };

async function heard(io: Server, event: string): Promise<unknown[]> {
  const got: unknown[] = [];
  io.on("connection", (socket) =>
    socket.on(event, (value: unknown, ack?: (answer: unknown) => void) => {
      got.push(value);
      ack?.("done");
    }),
  );
  return got;
}

describe("rateLimit", () => {
  test("answers what is too much with an error, and goes on with the rest", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 2, ...SLOW, events: ["say"] }));
    const said = await heard(site.io, "say");
    const { client, socket } = await join(site);
    expect(await client.emitWithAck("say", 1)).toBe("done");
    client.emit("say", 2);
    expect(await client.emitWithAck("say", 3)).toEqual({
      error: "ERR_RATE_LIMITED",
      retryAfterMs: expect.any(Number) as number,
    });
    client.emit("say", 4);
    await roundTrip(client, socket);
    expect(said).toEqual([1, 2]);
  });

  test("drops in silence, if that is wanted", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["say"], exceeded: "drop" }));
    const said = await heard(site.io, "say");
    const { client, socket } = await join(site);
    let answers = 0;
    for (const value of [1, 2, 3]) client.emit("say", value, () => answers++);
    await roundTrip(client, socket);
    expect({ said, answers }).toEqual({ said: [1], answers: 1 });
  });

  test("closes the connection, if that is wanted, and no other", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["say"], exceeded: "close" }));
    const first = await join(site);
    const second = await join(site);
    const closed = once(first.client, "disconnect");
    first.client.emit("say", 1);
    first.client.emit("say", 2);
    expect((await closed)[0]).toBe("io server disconnect");
    await roundTrip(second.client, second.socket);
  });

  test("does whatever a function does; what that throws is reported", async () => {
    const site = await serve();
    const errors: unknown[] = [];
    site.io.on("error", (error) => errors.push(error));
    const failure = new Error("from the function");
    const told: unknown[] = [];
    site.io.use(
      rateLimit({
        points: 1,
        ...SLOW,
        events: ["say"],
        exceeded: (socket, event, retryAfterMs) => {
          told.push([socket.id, event, retryAfterMs > 0]);
          throw failure;
        },
      }),
    );
    const { client, socket } = await join(site);
    client.emit("say", 1);
    client.emit("say", 2);
    await roundTrip(client, socket);
    expect(told).toEqual([[socket.id, ["say", 2], true]]);
    expect(errors).toEqual([failure]);
  });

  test("counts bytes, those of attachments among them", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1000, ...SLOW, events: ["say"], cost: "bytes" }));
    const { client, socket } = await join(site);
    const said: number[] = [];
    socket.on("say", (value: { text: string; bytes: Buffer }, ack: (answer: unknown) => void) => {
      said.push(value.text.length + value.bytes.length);
      ack("done");
    });
    const small = { text: "é".repeat(100), bytes: Buffer.alloc(400) };
    expect(await client.emitWithAck("say", small)).toBe("done");
    expect(await client.emitWithAck("say", small)).toMatchObject({ error: "ERR_RATE_LIMITED" });
    expect(said).toEqual([500]);
  });

  test.each([
    ["by socket", undefined, ["done", "done"]],
    ["by address", "address", ["done", "refused"]],
    ["by a key of the app's", () => "all the same", ["done", "refused"]],
  ] as const)("counts %s", async (_name, by, expected) => {
    const site = await serve();
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["say"], ...(by ? { by } : {}) }));
    await heard(site.io, "say");
    const answers: unknown[] = [];
    for (const _ of [1, 2]) {
      const { client } = await join(site);
      const answer: unknown = await client.emitWithAck("say", 1);
      answers.push(answer === "done" ? answer : "refused");
    }
    expect(answers).toEqual(expected);
  });

  test("beside another is asked after it", async () => {
    const site = await serve();
    site.io.use(rateLimit({ points: 100, ...SLOW }));
    site.io.use(rateLimit({ points: 1, ...SLOW, events: ["rare"] }));
    const rare = await heard(site.io, "rare");
    const often = await heard(site.io, "often");
    const { client, socket } = await join(site);
    for (const value of [1, 2, 3]) client.emit("rare", value).emit("often", value);
    await roundTrip(client, socket);
    expect({ rare, often }).toEqual({ rare: [1], often: [1, 2, 3] });
  });

  test("keeps the order of events while a slow store thinks", async () => {
    const site = await serve();
    let asked = 0;
    const store: RateStore = {
      take: (_key, points) => {
        asked += points;
        return new Promise((resolve) => setTimeout(() => resolve(0), asked % 2 ? 8 : 0));
      },
    };
    site.io.use(rateLimit({ store, events: ["say"] }));
    const said = await heard(site.io, "say");
    const { client } = await join(site);
    for (let value = 0; value < 10; value++) client.emit("say", value);
    await until(() => said.length === 10, "all events");
    expect(said).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("lets events through while the store fails, and says so", async () => {
    const site = await serve();
    const errors: unknown[] = [];
    site.io.on("error", (error, { event }) => errors.push([error, event]));
    const failure = new Error("no Redis");
    site.io.use(rateLimit({ store: { take: () => Promise.reject(failure) }, events: ["say"] }));
    const said = await heard(site.io, "say");
    const { client } = await join(site);
    expect(await client.emitWithAck("say", 1)).toBe("done");
    expect({ said, errors }).toEqual({ said: [1], errors: [[failure, "rate limit"]] });
  });

  test.each([{}, { points: 1 }, { points: -1, perMs: 1 }])("refuses %o", (options) => {
    expect(() => rateLimit(options)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});
