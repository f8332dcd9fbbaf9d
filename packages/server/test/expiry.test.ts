import { manualClock } from "@sockeye/conformance";
import { CORE } from "@sockeye/protocol";
import type { Server, Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { deferred, once, until } from "../../../test/support/wait.js";
import { Expiry, readTime } from "../src/expiry.js";
import { dial, half, join, refused, roundTrip, serve } from "./site.js";

describe("an expiry", () => {
  function watched(inMs: number) {
    const clock = manualClock();
    const expiry = new Expiry(clock, clock.wall() + inMs);
    let told = 0;
    expiry.watch(() => {
      told++;
    });
    return { clock, expiry, told: () => told };
  }

  it.each([1, 59_999, 60_000, 60_001, 3_600_000, 40 * 24 * 3_600_000])("tells once, after %i ms", (inMs) => {
    const { clock, told } = watched(inMs);
    clock.advance(inMs - 1);
    expect(told()).toBe(0);
    clock.advance(1);
    expect([told(), clock.pendingTimers]).toEqual([1, 0]);
  });

  it("that has passed already tells on the next turn", () => {
    const { clock, told } = watched(-5);
    expect(told()).toBe(0);
    clock.advance(0);
    expect(told()).toBe(1);
  });

  it("follows the time of day: a machine that slept, a clock that is set back", () => {
    const slept = watched(3_600_000);
    slept.clock.jump(3_600_000);
    slept.clock.advance(60_000);
    expect(slept.told()).toBe(1);
    const back = watched(1000);
    back.clock.jump(-500);
    back.clock.advance(1000);
    expect(back.told()).toBe(0);
    back.clock.advance(500);
    expect(back.told()).toBe(1);
  });

  it("moves, to later and to earlier, and stops", () => {
    const { clock, expiry, told } = watched(1000);
    expiry.move(clock.wall() + 5000);
    clock.advance(4999);
    expect(told()).toBe(0);
    expiry.move(clock.wall() + 100_000);
    expiry.move(clock.wall() + 10);
    clock.advance(10);
    expect([told(), clock.pendingTimers]).toEqual([1, 0]);
    const stopped = watched(1000);
    stopped.expiry.stop();
    expect(stopped.clock.pendingTimers).toBe(0);
    stopped.expiry.move(stopped.clock.wall() - 1);
    expect(stopped.clock.pendingTimers).toBe(0);
  });

  it("that never comes costs no timer", () => {
    const { clock, expiry } = watched(Number.POSITIVE_INFINITY);
    expect([clock.pendingTimers, expiry.passed]).toEqual([0, false]);
  });

  it.each([Number.NaN, undefined, null, "2030-01-01", "1e99", {}, new Date("no date"), true])(
    "is no %o",
    (when) => {
      expect(() => readTime(when)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
    },
  );
});

/** A server whose clock stands still until it is moved. */
async function standstill(options: ConstructorParameters<typeof Server>[1] = {}) {
  const site = await serve(options);
  const clock = manualClock();
  // Sockets read the clock through their namespace; the engine has taken the real one.
  void site.io.engine;
  Object.defineProperty(site.io[CORE], "clock", {
    value: { ...pick(clock), defer: (callback: () => void) => void setImmediate(callback) },
  });
  return { ...site, clock };
}

function pick(clock: ReturnType<typeof manualClock>) {
  return {
    now: () => clock.now(),
    wall: () => clock.wall(),
    setTimer: (callback: () => void, ms: number) => clock.setTimer(callback, ms),
    clearTimer: (timer: unknown) => clock.clearTimer(timer),
  };
}

describe("socket.expireAt", () => {
  it("ends a socket when the time has come, with a word to both ends", async () => {
    const site = await standstill();
    const { client, socket } = await join(site);
    expect(socket.expireAt(new Date(site.clock.wall() + 1000))).toBe(socket);
    site.clock.advance(999);
    await roundTrip(client, socket);
    const [gone, left] = [once(client, "disconnect"), once(socket, "disconnect")];
    site.clock.advance(1);
    expect((await gone)[0]).toBe("io server disconnect");
    expect(await left).toEqual([
      "server namespace disconnect",
      expect.objectContaining({ code: "ERR_EXPIRED" }),
    ]);
    expect([socket.connected, socket.rooms.size]).toEqual([false, 0]);
  });

  it("ends it in its namespace only", async () => {
    const site = await standstill();
    site.io.of("/other");
    const { client, socket } = await join(site);
    const other = client.io.socket("/other", {});
    const half2 = await half(site, other);
    half2.expireAt(site.clock.wall() + 10);
    const gone = once(other, "disconnect");
    site.clock.advance(10);
    expect((await gone)[0]).toBe("io server disconnect");
    await roundTrip(client, socket);
  });

  it("the latest call holds, and Infinity lifts it", async () => {
    const site = await standstill();
    const { client, socket } = await join(site);
    const { clock } = site;
    socket.expireAt(clock.wall() + 1000);
    socket.expireAt(clock.wall() + 5000);
    clock.advance(4000);
    socket.expireAt(Number.POSITIVE_INFINITY);
    const before = clock.pendingTimers;
    clock.advance(1e9);
    await roundTrip(client, socket);
    socket.expireAt(clock.wall() + 60_000);
    expect(clock.pendingTimers).toBe(before + 1);
    const gone = once(socket, "disconnect");
    client.disconnect();
    await gone;
    expect(clock.pendingTimers).toBe(before);
  });

  it("renewed after the socket has left does nothing, and leaves no timer", async () => {
    const site = await standstill();
    const { client, socket } = await join(site);
    const before = site.clock.pendingTimers;
    socket.on("disconnecting", () => socket.expireAt(site.clock.wall() + 10));
    const gone = once(socket, "disconnect");
    client.disconnect();
    await gone;
    socket.expireAt(site.clock.wall() + 10);
    expect(site.clock.pendingTimers).toBe(before);
  });

  it("in a middleware refuses who comes with what has expired, also while others still decide", async () => {
    const site = await standstill();
    const decide = deferred<() => void>("the middleware");
    let validMs = -1;
    site.io.use((socket, next) => {
      socket.expireAt(site.clock.wall() + validMs);
      next();
    });
    const connections: Socket[] = [];
    site.io.on("connection", (socket) => connections.push(socket));
    expect(await refused(dial(site))).toEqual({ message: "expired", data: { code: "ERR_EXPIRED" } });
    validMs = 500;
    site.io.use((_, next) => decide.resolve(next));
    const slow = refused(dial(site));
    const next = await decide.promise;
    site.clock.advance(500);
    next();
    expect(await slow).toMatchObject({ message: "expired" });
    expect([connections.length, site.io.sockets.sockets.size]).toEqual([0, 0]);
  });

  it("throws for what is no time, which refuses in a middleware: a token without its time lets nobody in", async () => {
    const site = await standstill();
    site.io.use((socket, next) => {
      socket.expireAt(Number(socket.handshake.auth["exp"]) * 1000);
      next();
    });
    expect((await refused(dial(site))).message).toContain("expireAt");
    // Seconds in the place of milliseconds are long ago.
    site.io.use((socket, next) => next(void socket.expireAt(2_000_000_000)));
    expect(await refused(dial(site, "/", { auth: { exp: 2e9 } }))).toMatchObject({ message: "expired" });
  });

  it("nothing that the client sends behind the end is heard", async () => {
    const site = await standstill();
    const { client, socket } = await join(site);
    const heard: unknown[] = [];
    socket.on("late", (n) => heard.push(n));
    socket.expireAt(site.clock.wall() + 10);
    const gone = once(socket, "disconnect");
    site.clock.advance(10);
    client.emit("late", 1);
    await gone;
    await until(() => !client.connected, "the client to hear of it");
    expect(heard).toEqual([]);
  });
});

describe("recovery", () => {
  async function recoverable() {
    const site = await standstill({ connectionStateRecovery: { maxDisconnectionDuration: 1e9 } });
    let checked = 0;
    site.io.use((socket, next) => {
      checked++;
      socket.expireAt(site.clock.wall() + 10_000);
      next();
    });
    const { client, socket } = await join(site, "/", { reconnection: true, reconnectionDelay: 10 });
    // Something to come back to.
    const got = once(client, "news");
    socket.emit("news", 1);
    await got;
    const back = async (): Promise<Socket> => {
      await once(client, "connect");
      return half(site, client);
    };
    return { site, client, socket, back, checked: () => checked };
  }

  it("does not make a socket young again", async () => {
    const { site, client, socket, back, checked } = await recoverable();
    const again = back();
    site.clock.advance(4000);
    socket.conn.close(true);
    const restored = await again;
    expect([restored.recovered, client.recovered, checked()]).toEqual([true, true, 1]);
    const gone = once(client, "disconnect");
    site.clock.advance(6000);
    expect((await gone)[0]).toBe("io server disconnect");
  });

  it("is no way around the middlewares for whose time is over", async () => {
    const { site, client, socket, back, checked } = await recoverable();
    const again = back();
    const lost = once(client, "disconnect");
    socket.conn.close(true);
    site.clock.advance(10_000);
    await lost;
    const fresh = await again;
    expect([fresh.recovered, client.recovered, checked()]).toEqual([false, false, 2]);
    expect(fresh.id).not.toBe(socket.id);
  });

  it("is not for who has expired", async () => {
    const { site, client } = await recoverable();
    const gone = once(client, "disconnect");
    site.clock.advance(10_000);
    expect((await gone)[0]).toBe("io server disconnect");
    const again = once(client, "connect");
    client.connect();
    await again;
    expect(client.recovered).toBe(false);
  });
});
