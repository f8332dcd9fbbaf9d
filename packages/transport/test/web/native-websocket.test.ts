import { afterEach, expect, it, vi } from "vitest";
import { createWebSocket } from "../../src/web/native-websocket.js";

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
  const socket = createWebSocket("ws://localhost/", protocols);
  expect(socket).toBeInstanceOf(Stub);
  expect(socket).toMatchObject({ url: "ws://localhost/", protocols: ["a", "b"], binaryType: "arraybuffer" });
});
