import "../../../../test/support/follow-fakes.js";
import type { Frame, TransportSink } from "@sockeye/protocol";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { IframeTransport } from "../../src/client/iframe.js";
import type { Target } from "../../src/client/target.js";
import { element, type FakeElement, FakePage, targetTo } from "./page.js";

const SAME = "http://page.test:80/socket.io/";
const OTHER = "https://other.test:443/socket.io/";
const OPEN = '0{"sid":"abc"}';

interface Dialled {
  readonly transport: IframeTransport;
  readonly frames: Frame[];
  readonly ends: [string, string][];
}

function dial(target: Target): Dialled {
  const transport = new IframeTransport(target);
  const frames: Frame[] = [];
  const ends: [string, string][] = [];
  const sink: TransportSink = {
    frame: (_from, frame) => {
      frames.push(frame);
      // As the client does when OPEN has come.
      if (frame === OPEN) target.sid = "abc";
    },
    writable: () => {},
    ended: (_from, _how, reason, cause) => ends.push([reason, String(cause)]),
  };
  transport.bind(sink);
  return { transport, frames, ends };
}

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

describe("over postMessage", () => {
  it("takes messages of the iframe's window and the server's origin, and no others", () => {
    const page = new FakePage("http://page.test/a?b#c");
    const { frames, ends } = dial(targetTo(SAME));
    const { contentWindow: source, src } = page.only("iframe");
    expect(src).toMatch(/^http:\/\/page\.test:80\/socket\.io\/\?EIO=4&transport=iframe&c=\d+$/);
    const channel = /c=(\d+)/.exec(src ?? "")?.[1];
    const data = `sockeye:${channel}:${OPEN}`;
    const origin = "http://page.test";
    page.post({ source: {}, origin, data });
    page.post({ source, origin: "http://evil.test", data });
    page.post({ source, origin, data: { toString: () => data } });
    page.post({ source, origin, data: "sockeye:" });
    page.post({ source, origin, data: `sockeye:${channel}0:${OPEN}` });
    vi.advanceTimersByTime(1);
    expect(frames).toEqual([]);
    page.post({ source, origin, data });
    vi.advanceTimersByTime(1);
    expect(frames).toEqual([OPEN]);
    page.post({ source, origin, data: `sockeye:${channel}:4a\x1e6proof\x1ebAAH/` });
    expect(frames).toEqual([OPEN, "4a", Buffer.from([0, 1, 255])]);
    expect(ends).toEqual([]);
  });

  it("tells another origin who asks", () => {
    const page = new FakePage("http://page.test/");
    dial(targetTo(OTHER));
    expect(page.only("iframe").src).toMatch(
      /^https:\/\/other\.test:443\/.*&c=\d+&origin=http%3A%2F%2Fpage\.test$/,
    );
  });

  it("asks for the next document after the announced end, and is gone after any other", () => {
    const page = new FakePage("http://page.test/");
    const { frames, ends } = dial(targetTo(SAME));
    const origin = "http://page.test";
    const send = (payload: string): void => {
      const { contentWindow: source, src } = page.body.children.at(-1) as FakeElement;
      page.post({ source, origin, data: `sockeye:${/c=(\d+)/.exec(src ?? "")?.[1]}:${payload}` });
    };
    send(OPEN);
    vi.advanceTimersByTime(1);
    const first = page.only("iframe");
    send("4a\x1e6end");
    // The first is still loading its own end.
    first.onload?.();
    vi.advanceTimersByTime(100);
    const second = page.only("iframe");
    expect(second).not.toBe(first);
    expect(second.src).toContain("sid=abc");
    send("4b");
    second.onload?.();
    vi.advanceTimersByTime(99);
    expect(ends).toEqual([]);
    // Posted before its end, and delivered after it.
    send("4c");
    vi.advanceTimersByTime(1);
    expect(ends).toEqual([["transport close", "TransportError: iframe connection closed"]]);
    expect(frames).toEqual([OPEN, "4a", "4b", "4c"]);
    expect(page.listeners.size).toBe(0);
    expect(page.body.children).toEqual([]);
  });

  it("an answer that is no such document is an error", () => {
    const page = new FakePage("http://page.test/");
    const { ends } = dial(targetTo(SAME));
    page.only("iframe").onload?.();
    vi.advanceTimersByTime(100);
    expect(ends).toEqual([["transport error", "TransportError: iframe error"]]);
  });

  it("what is no payload is a parse error", () => {
    const page = new FakePage("http://page.test/");
    const { ends } = dial(targetTo(SAME));
    const { contentWindow: source, src } = page.only("iframe");
    const data = `sockeye:${/c=(\d+)/.exec(src ?? "")?.[1]}:\x1e`;
    page.post({ source, origin: "http://page.test", data });
    expect(ends.map(([reason]) => reason)).toEqual(["parse error"]);
  });
});

describe("by calls", () => {
  it("without messages", () => {
    const page = new FakePage("http://page.test/", { postMessage: undefined, ___sockeye: undefined });
    const { frames, transport } = dial(targetTo(SAME));
    const [, channel = ""] = /&c=(\d+)&d=1$/.exec(page.only("iframe").src ?? "") ?? [];
    const calls = (globalThis as { ___sockeye?: Record<string, (text: string) => void> }).___sockeye;
    calls?.[channel]?.(OPEN);
    vi.advanceTimersByTime(1);
    expect(frames).toEqual([OPEN]);
    transport.close("dead");
    calls?.[channel]?.("4late");
    expect(frames).toEqual([OPEN]);
    expect(page.body.children).toEqual([]);
  });

  it("out of an htmlfile", () => {
    const parentWindow: { ___sockeye?: Record<string, (text: string) => void> } = {};
    const body = element("body");
    const steps: string[] = [];
    class ActiveXObject {
      readonly parentWindow = parentWindow;
      readonly body = body;
      readonly createElement = element;
      constructor(name: string) {
        steps.push(name);
      }
      open(): void {
        steps.push("open");
      }
      write(): void {
        steps.push("write");
      }
      close(): void {
        steps.push("close");
      }
    }
    const page = new FakePage("http://page.test/", { ActiveXObject });
    const { frames } = dial(targetTo(SAME));
    expect(steps).toEqual(["htmlfile", "open", "write", "close"]);
    expect(page.body.children).toEqual([]);
    const [, channel = ""] = /&c=(\d+)&d=1$/.exec(body.children[0]?.src ?? "") ?? [];
    parentWindow.___sockeye?.[channel]?.(OPEN);
    vi.advanceTimersByTime(1);
    expect(frames).toEqual([OPEN]);
  });

  it("not to another origin, and not without a document", async () => {
    new FakePage("http://page.test/", { postMessage: undefined });
    const other = dial(targetTo(OTHER));
    vi.stubGlobal("document", undefined);
    const none = dial(targetTo(SAME));
    await vi.advanceTimersByTimeAsync(1);
    for (const { ends } of [other, none]) {
      expect(ends).toEqual([["transport error", expect.stringContaining("there is no ")]]);
    }
  });
});
