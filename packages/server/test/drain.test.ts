import { createServer, request as httpRequest, type IncomingHttpHeaders } from "node:http";
import { manualClock } from "@sockeye/conformance";
import { Drain, type DrainOptions, type Leaving } from "@sockeye/engine/server";
import { Server } from "@sockeye/server";
import { Server as EngineServer } from "engine.io";
import { describe, expect, it } from "vitest";
import { openSession } from "../../../test/support/rawsocket.js";
import { deferred, once, until } from "../../../test/support/wait.js";
import { dial, half, join, roundTrip, serve, standing } from "./site.js";

describe("the plan of a drain", () => {
  /** Connections that go when they are told to; their fates in order. */
  function plan(count: number, options: DrainOptions = {}) {
    const clock = manualClock();
    const gone: number[] = [];
    const present = new Set<Leaving & { busy: boolean }>();
    const add = (): Leaving & { busy: boolean } => {
      const one = {
        busy: false,
        suspended: false,
        sendAway: () => {
          if (present.delete(one)) gone.push(clock.now());
        },
      };
      present.add(one);
      return one;
    };
    const all = Array.from({ length: count }, add);
    const drain = new Drain(clock, () => present, options);
    let ended = false;
    const end = drain.run().then(() => {
      ended = true;
    });
    return { clock, gone, present, add, all, drain, end, hasEnded: () => ended };
  }

  it("with nobody there is over at once", async () => {
    const { end, clock } = plan(0);
    await end;
    expect(clock.pendingTimers).toBe(0);
  });

  it("sends everybody away within the spread, not all at once", async () => {
    const { clock, gone, end } = plan(1000, { deadlineMs: 60_000, spreadMs: 10_000 });
    clock.advance(10_000);
    expect(gone).toHaveLength(1000);
    const seconds = new Set(gone.map((at) => Math.floor(at / 1000)));
    expect(seconds.size).toBeGreaterThanOrEqual(10);
    clock.advance(50);
    await end;
    expect(clock.pendingTimers).toBe(0);
  });

  it("sends those at once whose client is away, busy or not", async () => {
    const { clock, gone, all, end } = plan(10, { deadlineMs: 60_000, spreadMs: 10_000 });
    for (const one of all) Object.assign(one, { busy: true, suspended: true });
    clock.advance(50);
    expect(gone).toHaveLength(10);
    clock.advance(50);
    await end;
  });

  it.each([
    [10, 10_000, 50],
    [2000, 10_000, 2050],
    [100_000, 10_000, 5050],
  ])(
    "takes by default 1 ms for each, at most half of the deadline: %i in %i",
    (count, deadlineMs, longest) => {
      const { clock, present } = plan(count, { deadlineMs });
      clock.advance(longest);
      expect(present.size).toBe(0);
    },
  );

  it("waits for the busy ones, and lets them go when they rest, after what came with it", async () => {
    const { clock, drain, all, present, end } = plan(2, { spreadMs: 0 });
    const [one] = all;
    if (!one) throw new Error("nobody");
    present.clear();
    present.add(one);
    one.busy = true;
    clock.advance(1000);
    expect(present.size).toBe(1);
    one.busy = false;
    drain.rested(one);
    expect(present.size).toBe(1);
    clock.flush();
    expect(present.size).toBe(0);
    clock.advance(50);
    await end;
  });

  it("does not let go who is busy again by then, nor who is not to go yet", () => {
    const { clock, drain, all, present } = plan(1, { deadlineMs: 10_000, spreadMs: 10_000 });
    const [one] = all;
    if (!one) throw new Error("nobody");
    drain.rested(one);
    clock.flush();
    expect(present.size).toBe(1);
    one.busy = true;
    clock.advance(9_999);
    one.busy = false;
    drain.rested(one);
    one.busy = true;
    clock.flush();
    expect(present.size).toBe(1);
  });

  it("sees those who come later, and those whose acknowledgement nobody tells of", () => {
    const { clock, add, all, present } = plan(1, { spreadMs: 100 });
    const [one] = all;
    if (one) one.busy = true;
    clock.advance(500);
    add();
    expect(present.size).toBe(2);
    if (one) one.busy = false;
    clock.advance(50);
    expect(present.size).toBe(0);
  });

  it("ends at the deadline, or when it is hurried, twice too", async () => {
    const late = plan(1, { deadlineMs: 300 });
    for (const one of late.all) one.busy = true;
    late.clock.advance(299);
    await Promise.resolve();
    expect(late.hasEnded()).toBe(false);
    late.clock.advance(1);
    await late.end;
    expect([late.present.size, late.clock.pendingTimers]).toEqual([1, 0]);
    const hurried = plan(1);
    hurried.drain.hurry();
    hurried.drain.hurry();
    await hurried.end;
    expect(hurried.clock.pendingTimers).toBe(0);
  });

  it.each([
    { deadlineMs: -1 },
    { deadlineMs: Number.NaN },
    { deadlineMs: Number.POSITIVE_INFINITY },
    { spreadMs: "soon" as never },
  ])("knows no %o", (options) => {
    expect(() => plan(1, options)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});

const HANDSHAKE = "/socket.io/?EIO=4&transport=polling";

function ask(port: number, path = HANDSHAKE): Promise<{ status: number; headers: IncomingHttpHeaders }> {
  return new Promise((resolve, reject) => {
    const req = httpRequest({ port, path, host: "127.0.0.1", agent: false }, (res) => {
      res.resume();
      res.on("end", () => resolve({ status: res.statusCode ?? 0, headers: res.headers }));
    });
    req.on("error", reject);
    req.end();
  });
}

describe("close({ drain })", () => {
  it("lets nobody in, says so, and those who are there go on until they are sent away", async () => {
    const site = await serve();
    const { client, socket } = await join(site);
    const answer = deferred<(text: string) => void>("the event");
    socket.on("work", (done: (text: string) => void) => answer.resolve(done));
    const working = client.emitWithAck("work");
    const finish = await answer.promise;
    const closing = site.io.close({ drain: true });
    expect(site.io.health().status).toBe("draining");
    const { status, headers } = await ask(site.port);
    expect([status, headers["retry-after"], headers["connection"]]).toEqual([503, "1", "close"]);
    const refused = dial(site);
    await once(refused, "connect_error");
    await roundTrip(client, socket);
    const [left, lost] = [once(socket, "disconnect"), once(client, "disconnect")];
    finish("done");
    expect(await working).toBe("done");
    expect((await left)[0]).toBe("server shutting down");
    // After "io server disconnect" a stock client would not come back.
    expect((await lost)[0]).toBe("transport close");
    expect(client.active).toBe(true);
    await closing;
    expect(site.io.health().status).toBe("down");
    expect([site.http.listening, site.io.engine.clientsCount]).toEqual([false, 0]);
  });

  it.each(["websocket", "polling"])("waits for the client's acknowledgement, over %s", async (transport) => {
    const site = await serve();
    const { client, socket } = await join(site, "/", { transports: [transport] });
    const asked = deferred<(text: string) => void>("the question");
    client.on("ask", (done: (text: string) => void) => asked.resolve(done));
    const answered = socket.emitWithAck("ask");
    const answer = await asked.promise;
    const closing = site.io.close({ drain: { spreadMs: 0 } });
    await roundTrip(client, socket);
    socket.emit("last", "word");
    const last = once(client, "last");
    const lost = once(client, "disconnect");
    answer("yes");
    expect(await answered).toBe("yes");
    expect(await last).toEqual(["word"]);
    expect((await lost)[0]).toBe("transport close");
    await closing;
  });

  it("waits for the acknowledgement of a broadcast", async () => {
    const site = await serve();
    const { client } = await join(site);
    const asked = deferred<(text: string) => void>("the question");
    client.on("ask", (done: (text: string) => void) => asked.resolve(done));
    const answers = site.io.timeout(5000).emitWithAck("ask");
    const answer = await asked.promise;
    const closing = site.io.close({ drain: { spreadMs: 0 } });
    answer("yes");
    expect(await answers).toEqual(["yes"]);
    await closing;
  });

  it("does not wait where nobody listens, and ends at the deadline where nobody answers", async () => {
    const site = await serve();
    const quiet = await join(site);
    const stuck = await join(site);
    stuck.socket.on("work", () => {});
    const arrived = once(stuck.socket, "arrived");
    quiet.client.emit("unheard", () => {});
    await roundTrip(quiet.client, quiet.socket);
    stuck.client.emit("work", () => {});
    stuck.client.emit("arrived");
    await arrived;
    const gone = [once(quiet.socket, "disconnect"), once(stuck.client, "disconnect")] as const;
    const closing = site.io.close({ drain: { deadlineMs: 400, spreadMs: 0 } });
    await gone[0];
    expect(stuck.socket.connected).toBe(true);
    await closing;
    expect((await gone[1])[0]).toBe("transport close");
    expect(site.http.listening).toBe(false);
  });

  it("is hurried by a second close; both resolve and both call back", async () => {
    const site = await serve();
    const { client, socket } = await join(site);
    socket.on("work", () => {});
    client.emit("work", () => {});
    await roundTrip(client, socket);
    const called: unknown[] = [];
    const one = site.io.close({ drain: { deadlineMs: 60_000 } }, (error) => called.push(["one", error]));
    const two = site.io.close((error) => called.push(["two", error]));
    await Promise.all([one, two]);
    expect(called).toEqual([
      ["one", undefined],
      ["two", undefined],
    ]);
    expect([site.http.listening, site.io.engine.clientsCount]).toEqual([false, 0]);
  });

  it("does not wait long for other requests of the HTTP server", async () => {
    const site = await serve();
    const arrived = once(site.http, "request");
    const hanging = ask(site.port, "/not-ours").catch(() => "cut");
    await arrived;
    await site.io.close({ drain: true });
    expect(await hanging).toBe("cut");
  });

  it("is harmless if nothing runs, and may be followed by a new beginning", async () => {
    const site = await serve();
    await site.io.close({ drain: true });
    await site.io.close({ drain: true });
    const http = createServer();
    site.io.attach(http);
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
    const { port } = http.address() as { port: number };
    expect(site.io.health().status).toBe("up");
    const client = dial({ url: `http://127.0.0.1:${port}` });
    await half({ ...site, port }, client);
    await site.io.close();
  });

  it("lets go the clients of a foreign engine too, with their acknowledgements", async () => {
    const http = createServer();
    const engine = new EngineServer();
    engine.attach(http, { path: "/socket.io" });
    const io = new Server();
    io.bind(engine as never);
    const site = await standing(io, http);
    const { client, socket } = await join(site);
    const answer = deferred<(text: string) => void>("the event");
    socket.on("work", (done: (text: string) => void) => answer.resolve(done));
    const working = client.emitWithAck("work");
    const finish = await answer.promise;
    const [left, lost] = [once(socket, "disconnect"), once(client, "disconnect")];
    const closing = io.close({ drain: { spreadMs: 0 } });
    await roundTrip(client, socket);
    finish("done");
    expect(await working).toBe("done");
    expect((await left)[0]).toBe("server shutting down");
    expect((await lost)[0]).toBe("transport close");
    await closing;
  });

  it("refuses options that make no sense, and goes on", async () => {
    const site = await serve();
    await expect(site.io.close({ drain: { deadlineMs: -5 } })).rejects.toMatchObject({
      code: "ERR_BAD_OPTION",
    });
    expect(site.io.health().status).toBe("up");
    await join(site);
  });

  it("sends a client that is upgrading away too, and one that has joined nothing", async () => {
    const site = await serve();
    const { wire } = await openSession(site.port);
    const upgrading = dial(site, "/", { transports: ["polling", "websocket"] });
    await once(upgrading, "connect");
    await site.io.close({ drain: { deadlineMs: 2000 } });
    await wire.closed;
    await until(() => !upgrading.connected, "the client to hear of it");
  });
});
