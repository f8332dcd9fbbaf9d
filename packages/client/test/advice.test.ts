import { io, Manager } from "@sockeye/client";
import { Socket as EngineSocket } from "@sockeye/client/engine";
import { io as lean } from "@sockeye/client/websocket";
import { PollingTransport, WebSocketTransport } from "@sockeye/transport/client";
import { describe, expect, it, vi } from "vitest";
import { watchWarnings } from "../../../test/support/warnings.js";
import { advise as develop } from "../src/advice/development.js";
import { mistakesIn } from "../src/advice/mistakes.js";
import { advise as none } from "../src/advice/none.js";

const KNOWN = [PollingTransport, WebSocketTransport];

describe("what of a client's options has no effect is told", () => {
  it.each<[options: object, lines: readonly string[]]>([
    [{ transport: ["websocket"] }, ['unknown client option "transport". Did you mean "transports"?']],
    [{ reconect: false }, ['unknown client option "reconect". Did you mean "reconnection"?']],
    [{ reconnect: false }, ['unknown client option "reconnect". Did you mean "reconnection"?']],
    [
      { reconnectionAttemps: 3 },
      ['unknown client option "reconnectionAttemps". Did you mean "reconnectionAttempts"?'],
    ],
    [{ withCredential: true }, ['unknown client option "withCredential". Did you mean "withCredentials"?']],
    [{ headers: {} }, ['unknown client option "headers". Did you mean "extraHeaders"?']],
    [
      { pingInterval: 1 },
      ['unknown client option "pingInterval". It is an option of the server: new Server(http, { … }).'],
    ],
    [{ token: "x" }, ['unknown client option "token".']],
    [{ 'a"b\n': 1 }, ['unknown client option "a\\"b\\n".']],
    [
      { transports: ["websockets"] },
      ['the client knows no transport "websockets". Did you mean "websocket"?'],
    ],
    [
      { transports: ["webtransport", "websocket"] },
      ['the client knows no transport "webtransport". Import the class WebTransport, and put it there.'],
    ],
    [{ transports: ["carrier pigeon"] }, ['the client knows no transport "carrier pigeon".']],
    [{ transports: ["polling", WebSocketTransport, 7] }, []],
    [{ transports: "websocket" }, []],
    [{ reconnection: false, path: "/x", auth: {}, query: {}, transports: ["websocket"] }, []],
    [{ contract: {}, extend: [] }, []],
  ])("%o", (options, lines) => {
    expect(mistakesIn(options, KNOWN)).toEqual(lines.map((line) => `Sockeye: ${line}`));
  });
});

describe("on Node.js, as a warning of the process", () => {
  const warned = watchWarnings();

  it("once for each cause, whoever is made with it, and not in production", async () => {
    const options = { autoConnect: false, mistakn: 1 } as object;
    vi.stubEnv("NODE_ENV", "production");
    io("http://localhost:1", options);
    vi.unstubAllEnvs();
    expect(await warned()).toEqual([]);
    for (let count = 0; count < 2; count++) {
      io("http://localhost:1", options);
      lean("http://localhost:1", options);
      new Manager("http://localhost:1", options);
    }
    new EngineSocket("http://localhost:1", { mistakn: 1 } as object).close();
    expect(await warned()).toEqual([
      { code: "SOCKEYE_UNKNOWN_OPTION", message: 'Sockeye: unknown client option "mistakn".' },
    ]);
  });

  it("no more than a few", async () => {
    for (let name = 0; name < 40; name++)
      io("http://localhost:1", { autoConnect: false, [`wrong${name}`]: 1 });
    expect((await warned()).length).toBeLessThanOrEqual(20);
  });
});

it("while an app is developed, on the console; as it is served, not at all", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  none({ wrong: 1 }, KNOWN);
  expect(warn).not.toHaveBeenCalled();
  // What was told before has come to the bound; this is a module of its own.
  vi.resetModules();
  return import("../src/advice/development.js").then(({ advise }) => {
    advise({ wrong: 1 }, KNOWN);
    advise({ wrong: 1 }, KNOWN);
    expect(warn.mock.calls).toEqual([['Sockeye: unknown client option "wrong".']]);
    expect(advise).not.toBe(develop);
    warn.mockRestore();
  });
});
