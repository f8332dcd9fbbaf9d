import { manualClock } from "@sockeye/conformance";
import type { TransportClass } from "@sockeye/transport/client";
import { PollingTransport, WebSocketTransport } from "@sockeye/transport/client";
import { expect, it } from "vitest";
import type { EngineOptions } from "../../src/client/index.js";
import type { RaceHost } from "../../src/client/race.js";
import { raceFeature } from "../../src/client/race-options.js";

const UP: readonly TransportClass[] = [PollingTransport, WebSocketTransport];
const DOWN: readonly TransportClass[] = [WebSocketTransport, PollingTransport];

function order(options: Partial<EngineOptions>, classes = UP): readonly string[] | undefined {
  const host = { clock: manualClock() } as unknown as RaceHost;
  const race = raceFeature(host, { options, url: "http://nobody/", classes });
  return race?.order.map(({ transportName }) => transportName);
}

it.each<[Partial<EngineOptions>]>([
  [{}],
  [{ race: { delayMs: 10 } }],
  [{ remember: false }],
  [
    {
      upgrade: true,
      tryAllTransports: true,
      rememberUpgrade: true,
      withCredentials: true,
      query: { a: "1" },
    },
  ],
  [{ transportOptions: { websocket: { extraHeaders: {} } } }],
  [{ race: true, upgrade: false }],
  [{ race: true, extraHeaders: { a: "b" } }],
])("%o: a race, with WebSocket first", (options) => {
  expect(order(options)).toEqual(["websocket", "polling"]);
});

it.each<[Partial<EngineOptions>]>([
  [{ race: false }],
  [{ transports: ["polling", "websocket"] }],
  [{ transports: ["websocket", "polling"], tryAllTransports: true }],
  [{ transportImplementations: DOWN }],
  [{ upgrade: false }],
  [{ extraHeaders: { authorization: "Bearer x" } }],
  [{ transportOptions: { polling: { extraHeaders: { authorization: "Bearer x" } } } }],
])("%o: no race", (options) => {
  expect(order(options)).toBeUndefined();
});

it("holds one of the transports that are named, in their order", () => {
  expect(order({ race: true, transports: ["polling", "websocket"] })).toEqual(["polling", "websocket"]);
  expect(order({ race: true, transportImplementations: DOWN }, DOWN)).toEqual(["websocket", "polling"]);
});

it("takes two", () => {
  expect(order({ race: true }, [WebSocketTransport])).toBeUndefined();
});
