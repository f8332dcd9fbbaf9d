import { PassThrough } from "node:stream";
import { manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { isNear, LateListener } from "../../src/server/websocket/late-listener.js";

const PING = "\x89\0";

/** A listener to which two texts are sent, and what has left so far. */
function site(isNearby: boolean) {
  const clock = manualClock();
  const socket = new PassThrough();
  const listener = new LateListener(socket, isNearby, clock);
  const write = (text: string): void => void socket.write(text, "latin1");
  let left = "";
  socket.on("data", (chunk: Buffer) => {
    left += chunk.toString("latin1");
  });
  const send = (first: string, second: string): void => {
    listener.apart(() => write(first));
    write(second);
  };
  return { clock, socket, listener, send, left: () => left };
}

describe("what leaves apart", () => {
  it("is 2 ms apart for a client elsewhere, which is asked nothing", () => {
    const { clock, listener, send, left } = site(false);
    send("a", "b");
    clock.advance(1.9);
    expect(left()).toBe("a");
    clock.advance(0.1);
    expect(left()).toBe("ab");
    expect(listener.listens).toBe(false);
    expect(clock.pendingTimers).toBe(0);
  });

  it.each([
    ["at once: after 2 ms, as on an idle machine", 0.2, 2],
    ["after 30 ms, on a busy machine: then", 30, 30],
    ["not at all: after 52 ms", undefined, 52],
  ])("waits for the pong of one that is near, which comes %s", (_when, pongAt, leavesAt) => {
    const { clock, listener, send, left } = site(true);
    send("a", "b");
    expect(left()).toBe(`a${PING}`);
    if (pongAt !== undefined) {
      clock.advance(pongAt);
      listener.heard();
      clock.flush();
    }
    clock.advance(leavesAt - (pongAt ?? 0) - (pongAt === leavesAt ? 0 : 0.1));
    if (pongAt !== leavesAt) {
      expect(left()).toBe(`a${PING}`);
      clock.advance(0.1);
    }
    expect(left()).toBe(`a${PING}b`);
    expect(clock.pendingTimers).toBe(0);
  });

  it("keeps one that never answers waiting for less than 120 ms in all", () => {
    const { clock, send, left } = site(true);
    let waited = 0;
    for (let n = 0; n < 20; n++) {
      send("a", "b");
      while (!left().endsWith("b")) {
        clock.advance(1);
        waited++;
      }
    }
    // 2 ms each, as for all others.
    expect(waited - 20 * 2).toBeLessThan(120);
  });

  it("goes with what waits already, and is dropped when the socket closes", () => {
    const { clock, listener, send, left } = site(true);
    send("a", "b");
    send("c", "d");
    expect(left()).toBe(`a${PING}`);
    listener.heard();
    clock.advance(2);
    expect(left()).toBe(`a${PING}bcd`);
    send("e", "f");
    listener.stop();
    // A pong that comes late, or that nobody has asked for.
    listener.heard();
    clock.advance(1000);
    expect(left()).toBe(`a${PING}bcde${PING}`);
    expect(clock.pendingTimers + clock.pendingDeferred).toBe(0);
  });

  it.each([
    ["127.0.0.1", {}, true],
    ["::1", {}, true],
    ["::ffff:127.0.0.1", {}, true],
    ["127.0.0.1", { "x-forwarded-for": "10.0.0.1" }, false],
    ["127.0.0.1", { via: "1.1 proxy" }, false],
    ["10.0.0.1", {}, false],
    ["1127.0.0.1", {}, false],
    [undefined, {}, false],
  ])("asks who is on the same machine: %s %o", (remoteAddress, headers, asked) => {
    const visit = { req: { headers }, socket: Object.assign(new PassThrough(), { remoteAddress }) };
    expect(isNear(visit as never)).toBe(asked);
  });
});
