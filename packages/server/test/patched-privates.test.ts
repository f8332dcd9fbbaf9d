import { Socket } from "@sockeye/server";
import { expect, it, vi } from "vitest";
import { join, serve } from "./site.js";

const NAMES = ["onevent", "dispatch", "_onpacket", "packet", "_onclose", "onack", "ack"];

it.each(NAMES)("a package that replaces socket.%s is told once, and finds what it left", async (name) => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  try {
    const site = await serve();
    for (const { socket } of [await join(site), await join(site)]) {
      const patched = socket as unknown as Record<string, unknown>;
      expect(patched[name]).toBeUndefined();
      const mine = (): void => {};
      patched[name] = mine;
      expect(patched[name]).toBe(mine);
      patched[name] = undefined;
    }
    expect(warn).toHaveBeenCalledTimes(1);
    const [text, options] = warn.mock.calls[0] as unknown as [string, object];
    expect(text).toMatch(new RegExp(`^socket\\.${name} is a private method of Socket.IO.* Instead, `));
    expect(options).toEqual({ code: "SOCKEYE_PRIVATE_METHOD", detail: "See docs/migrating.md" });
  } finally {
    warn.mockRestore();
  }
});

it("nothing is told of a socket that nobody patches", async () => {
  const warn = vi.spyOn(process, "emitWarning").mockImplementation(() => {});
  const { socket, client } = await join(await serve());
  expect(Object.keys(socket).filter((name) => NAMES.includes(name))).toEqual([]);
  expect(NAMES.filter((name) => Object.keys(Socket.prototype).includes(name))).toEqual([]);
  client.emit("x");
  expect(warn).not.toHaveBeenCalled();
  warn.mockRestore();
});
