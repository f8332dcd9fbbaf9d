import { afterEach, expect, it, vi } from "vitest";
import { createWebSocket } from "../../src/client/native-websocket.js";

afterEach(() => vi.unstubAllGlobals());

it("dials with the platform's WebSocket and asks for bytes as ArrayBuffer", () => {
  class Stub {
    binaryType = "blob";
    constructor(
      readonly url: string,
      readonly protocols: string[],
    ) {}
  }
  vi.stubGlobal("WebSocket", Stub);
  const protocols = Object.freeze(["a", "b"]);
  const socket = createWebSocket("ws://localhost/", protocols, {});
  expect(socket).toBeInstanceOf(Stub);
  expect(socket).toMatchObject({ url: "ws://localhost/", protocols: ["a", "b"], binaryType: "arraybuffer" });
});

it.each([
  ["ReactNative", { "x-a": "1" }, [{ headers: { "x-a": "1" } }]],
  ["ReactNative", undefined, []],
  ["Gecko", { "x-a": "1" }, []],
  [undefined, { "x-a": "1" }, []],
])("on %s with headers %o gives it %o besides", (product, headers, besides) => {
  const given: unknown[][] = [];
  class Stub {
    constructor(...args: unknown[]) {
      given.push(args);
    }
  }
  vi.stubGlobal("WebSocket", Stub);
  vi.stubGlobal("navigator", product && { product });
  createWebSocket("ws://localhost/", [], { headers });
  expect(given).toEqual([["ws://localhost/", [], ...besides]]);
});
