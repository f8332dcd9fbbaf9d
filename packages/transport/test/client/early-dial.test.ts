import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createWebSocket } from "../../src/client/native-websocket.js";

class Stub {
  static readonly OPEN = 1;
  static dialled: string[] = [];
  readyState = 1;
  onopen: ((event: unknown) => void) | undefined;
  onmessage: ((event: unknown) => void) | undefined;
  closed = false;
  constructor(readonly url: string) {
    Stub.dialled.push(url);
  }
  close(): void {
    this.closed = true;
  }
}

const URL_OF_PAGE = "wss://example.com/socket.io/?EIO=4&transport=websocket&resume=offer";

function dialEarly(url = URL_OF_PAGE, messages: readonly object[] = []): Stub {
  const socket = new Stub(url);
  vi.stubGlobal("sockeyeEarly", { socket, messages });
  Stub.dialled = [];
  return socket;
}

beforeEach(() => {
  vi.stubGlobal("WebSocket", Stub);
});
afterEach(() => vi.unstubAllGlobals());

it.each([
  [URL_OF_PAGE, URL_OF_PAGE.replace(".com/", ".com:443/")],
  ["ws://a.b/x/?EIO=4", "ws://a.b:80/x/?EIO=4"],
  ["ws://[::1]/x/?EIO=4", "ws://[::1]:80/x/?EIO=4"],
  ["ws://[::1]:3000/x/?EIO=4", "ws://[::1]:3000/x/?EIO=4"],
  ["wss://a.b:80/x/?EIO=4", "wss://a.b:80/x/?EIO=4"],
])("%s is taken for %s, with what it has received", async (early, url) => {
  const first = { data: "0{}" };
  const socket = dialEarly(early, [first, { data: "2" }]);
  const taken = createWebSocket(url, [], {});
  expect(taken).toBe(socket);
  const told: unknown[] = [];
  taken.onopen = () => told.push("open");
  taken.onmessage = ({ data }) => told.push(data);
  await Promise.resolve();
  expect(told).toEqual(["open", "0{}", "2"]);
  expect(Stub.dialled).toEqual([]);
});

it("is taken while it still opens, and opens by itself", async () => {
  const socket = dialEarly();
  socket.readyState = 0;
  const taken = createWebSocket(URL_OF_PAGE, [], {});
  taken.onopen = vi.fn();
  await Promise.resolve();
  expect(taken).toBe(socket);
  expect(taken.onopen).not.toHaveBeenCalled();
});

it.each([
  ["another host", "wss://example.org/socket.io/?EIO=4&transport=websocket&resume=offer", []],
  ["another path", URL_OF_PAGE.replace("socket.io", "chat"), []],
  ["a query", URL_OF_PAGE.replace("EIO", "token=1&EIO"), []],
  ["no offer to resume", URL_OF_PAGE.replace("&resume=offer", ""), []],
  ["no TLS", URL_OF_PAGE.replace("wss", "ws"), []],
  ["the port of another scheme", URL_OF_PAGE.replace(".com/", ".com:80/"), []],
  ["subprotocols", URL_OF_PAGE, ["a"]],
])("is closed, and another one dialled, for %s", (_, url, protocols) => {
  const socket = dialEarly();
  expect(createWebSocket(url, protocols, {})).not.toBe(socket);
  expect(socket.closed).toBe(true);
  expect(Stub.dialled).toEqual([url]);
});

it.each([2, 3])("is left alone in state %i, and another one dialled", (state) => {
  const socket = dialEarly();
  socket.readyState = state;
  expect(createWebSocket(URL_OF_PAGE, [], {})).not.toBe(socket);
  expect(Stub.dialled).toEqual([URL_OF_PAGE]);
});

it("is offered once", () => {
  const socket = dialEarly();
  expect(createWebSocket(URL_OF_PAGE, [], {})).toBe(socket);
  expect(createWebSocket(URL_OF_PAGE, [], {})).not.toBe(socket);
});

it.each([[{}], [null], ["text"], [{ socket: {} }], [0]])(
  "is not %j, which the page has put there",
  (value) => {
    vi.stubGlobal("sockeyeEarly", value);
    Stub.dialled = [];
    createWebSocket(URL_OF_PAGE, [], {});
    expect(Stub.dialled).toEqual([URL_OF_PAGE]);
  },
);
