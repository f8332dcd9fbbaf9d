import { manualClock } from "@sockeye/conformance";
import type { TransportClass } from "@sockeye/transport/client";
import { PollingTransport, WebSocketTransport } from "@sockeye/transport/client";
import { afterEach, describe, expect, it, vi } from "vitest";
import type { EngineOptions } from "../../src/client/index.js";
import { pageRoundTrip } from "../../src/client/page-round-trip.js";
import type { RaceHost } from "../../src/client/race.js";
import { raceFeature } from "../../src/client/race-options.js";

afterEach(() => vi.unstubAllGlobals());

const SERVER = "http://server.test:80/socket.io/";

/** What a browser knows of the page: milliseconds since it was asked for. */
interface Page {
  readonly origin?: string;
  /** TCP's handshake; 0 on a connection that was there. */
  readonly tcp?: number;
  readonly tls?: number;
  readonly answer?: number;
  /** Since the answer began. */
  readonly ago?: number;
}

function show({ origin = "http://server.test", tcp = 400, tls = 0, answer = 400, ago = 100 }: Page): void {
  const { protocol, hostname, port } = new URL(origin);
  vi.stubGlobal("location", { protocol, hostname, port });
  const responseStart = 20 + tcp + tls + answer;
  const page = {
    connectStart: 20,
    secureConnectionStart: tls && 20 + tcp,
    connectEnd: 20 + tcp + tls,
    requestStart: 20 + tcp + tls,
    responseStart,
  };
  vi.stubGlobal("performance", { now: () => responseStart + ago, getEntriesByType: () => [page] });
}

describe("the round trip of a page", () => {
  it.each<[string, Page, url: string, ms: number | undefined]>([
    ["TCP's handshake", { tcp: 400, answer: 900 }, SERVER, 400],
    [
      "not TLS's, which has several",
      { origin: "https://a.test", tcp: 90, tls: 300 },
      "https://a.test:443/x/",
      90,
    ],
    ["the request, on a connection that was there", { tcp: 0, answer: 130 }, SERVER, 130],
    ["a port", { origin: "http://a.test:3000", tcp: 7 }, "http://a.test:3000/socket.io/", 7],
    ["another port", { origin: "http://server.test:8080" }, SERVER, undefined],
    ["another host", {}, "http://api.server.test:80/socket.io/", undefined],
    ["another scheme", { origin: "https://server.test" }, SERVER, undefined],
    ["a page whose connection may be closed", { ago: 5001 }, SERVER, undefined],
  ])("%s", (_, page, url, ms) => {
    show(page);
    expect(pageRoundTrip(url)).toBe(ms);
  });

  it("is not known outside of pages, and in those that cannot tell", () => {
    expect(pageRoundTrip(SERVER)).toBeUndefined();
    show({});
    vi.stubGlobal("performance", { now: () => 0, getEntriesByType: () => [] });
    expect(pageRoundTrip(SERVER)).toBeUndefined();
    vi.stubGlobal("performance", { now: () => 0 });
    expect(pageRoundTrip(SERVER)).toBeUndefined();
  });
});

describe("the race of a page that came slowly", () => {
  /** Milliseconds after which polling is dialled beside WebSocket. */
  function pollingAfter(options: Partial<EngineOptions>, page: Page): number {
    show(page);
    const clock = manualClock();
    const dialled = new Map<string, number>();
    const dial = ({ transportName }: TransportClass) => {
      dialled.set(transportName, clock.now());
      return { transport: { name: transportName, bind() {} }, target: {} };
    };
    const host = { clock, dial, take() {} } as unknown as RaceHost;
    const race = raceFeature(host, {
      options: { remember: false, ...options },
      url: SERVER,
      classes: [PollingTransport, WebSocketTransport],
    });
    const begun = clock.now();
    race?.next();
    clock.advance(5000);
    return (dialled.get("polling") ?? Number.NaN) - begun;
  }

  it.each<[Partial<EngineOptions>, Page, number]>([
    [{}, { tcp: 126 }, 10],
    [{}, { tcp: 124 }, 250],
    [{}, { tcp: 400, ago: 6000 }, 250],
    [{ race: true }, { tcp: 400 }, 250],
    [{ race: { delayMs: 600 } }, { tcp: 400 }, 600],
  ])("%o, %o: polling after %d ms", (options, page, ms) => {
    expect(pollingAfter(options, page)).toBe(ms);
  });
});
