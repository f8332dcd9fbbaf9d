import { EncodedPacket, type Frame } from "@sockeye/protocol";
import { afterEach, expect, it, vi } from "vitest";
import { JsonpTransport } from "../../src/client/jsonp.js";
import type { Target } from "../../src/client/target.js";
import { FakePage, targetTo } from "./page.js";

const OPEN = '0{"sid":"abc"}';

type Callbacks = ((payload: string) => void)[];

function dial(target: Target): { transport: JsonpTransport; frames: Frame[]; ends: [string, string][] } {
  const transport = new JsonpTransport(target);
  const frames: Frame[] = [];
  const ends: [string, string][] = [];
  transport.bind({
    frame: (_from, frame) => {
      frames.push(frame);
      if (frame === OPEN) target.sid = "abc";
    },
    writable: () => frames.push("writable"),
    ended: (_from, _how, reason, cause) => ends.push([reason, String(cause)]),
  });
  return { transport, frames, ends };
}

/** The server's script runs. */
function answer(page: FakePage, payload: string): void {
  const [, number = ""] = /&j=(\d+)$/.exec(page.only("script").src ?? "") ?? [];
  (globalThis as { ___eio?: Callbacks }).___eio?.[Number(number)]?.(payload);
}

afterEach(() => vi.unstubAllGlobals());

it("one script after the other, all with the number of the transport", () => {
  const page = new FakePage("http://page.test/");
  const { frames, transport } = dial(targetTo("http://other.test:80/socket.io/"));
  const first = /&j=\d+$/.exec(page.only("script").src ?? "")?.[0];
  expect(page.only("script").src).toMatch(/\?EIO=4&transport=polling&j=\d+$/);
  answer(page, OPEN);
  expect(page.only("script").src).toMatch(/&sid=abc&j=\d+$/);
  expect(page.only("script").src?.endsWith(first ?? "?")).toBe(true);
  answer(page, "4a\x1e4b");
  expect(frames).toEqual([OPEN, "writable", "4a", "4b"]);
  transport.close("dead");
  expect(page.body.children).toEqual([]);
});

it("a form for each body, with the line feeds that forms change escaped", async () => {
  const page = new FakePage("http://page.test/");
  const { frames, transport, ends } = dial(targetTo("http://other.test:80/socket.io/"));
  answer(page, OPEN);
  frames.length = 0;
  expect(transport.writable).toBe(true);
  transport.send([new EncodedPacket('42["\\n"]\n')]);
  expect(transport.writable).toBe(false);
  expect(page.submitted[0]?.action).toMatch(/&transport=polling&sid=abc&j=\d+$/);
  expect(page.submitted[0]?.children[0]?.value).toBe('42["\\\\n"]\\n');
  const iframe = page.only("iframe");
  // The empty document that comes first.
  iframe.onload?.();
  await Promise.resolve();
  expect(transport.writable).toBe(false);
  iframe.contentWindow.location.href = "http://other.test/";
  iframe.onload?.();
  await vi.waitFor(() => expect(transport.writable).toBe(true));
  expect(frames).toEqual(["writable"]);
  expect(page.body.children.map(({ tag }) => tag)).toEqual(["script"]);
  expect(ends).toEqual([]);
});

it.each(["onload", "onerror"] as const)("%s without a call is an error", (event) => {
  const page = new FakePage("http://page.test/");
  const { ends } = dial(targetTo("http://other.test:80/socket.io/"));
  page.only("script")[event]?.({});
  expect(ends).toEqual([["transport error", "TransportError: jsonp poll error"]]);
  expect(page.body.children).toEqual([]);
});

it("what is no payload is a parse error", () => {
  const page = new FakePage("http://page.test/");
  const { ends } = dial(targetTo("http://other.test:80/socket.io/"));
  answer(page, "");
  expect(ends.map(([reason]) => reason)).toEqual(["parse error"]);
});
