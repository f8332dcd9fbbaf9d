import { type ClientHttp2Session, connect, createServer } from "node:http2";
import type { AddressInfo } from "node:net";
import { manualClock } from "@sockeye/conformance";
import { DEFAULT_LIMITS } from "@sockeye/protocol";
import { attach, createGate } from "@sockeye/transport/server";
import { afterEach, describe, expect, it } from "vitest";
import { urlExcess } from "../../src/server/request/url-limits.js";
import { FakeAcceptor, gateServer } from "./gate-server.js";
import { ask, RawConnection, upgradeRequest } from "./raw-client.js";

const LIMITS = { ...DEFAULT_LIMITS, maxUrlLength: 300, maxQueryParameters: 10 };
const PATH = "/engine.io/?EIO=4&transport=polling";

/** What comes behind the path, and what is answered. */
const TARGETS: readonly (readonly [string, string, number])[] = [
  ["one long value", `&a=${"x".repeat(300)}`, 414],
  ["one long name", `&${"x".repeat(300)}`, 414],
  ["many escapes", `&a=${"%41".repeat(100)}`, 414],
  ["many names with values", Array.from({ length: 10 }, (_, n) => `&a${n}=1`).join(""), 400],
  ["many names without", "&a&b&c&d&e&f&g&h&i", 400],
  ["one name again and again", "&a=1".repeat(9), 400],
  ["nothing but separators", "&".repeat(9), 400],
  ["as many as may be", "&a=1".repeat(8), 200],
  ["as long as it may be", `&a=${"x".repeat(300 - PATH.length - 3)}`, 200],
];

const CODES: Readonly<Record<number, string>> = {
  414: "ERR_URL_TOO_LONG",
  400: "ERR_TOO_MANY_PARAMETERS",
};

let session: ClientHttp2Session | undefined;
let end: (() => void) | undefined;
afterEach(() => {
  session?.destroy();
  end?.();
  session = undefined;
  end = undefined;
});

describe("a URL", () => {
  it.each(TARGETS)("of %s, over HTTP/1", async (_name, query, status) => {
    const server = await gateServer({ limits: LIMITS });
    expect((await ask(server.port, { target: PATH + query })).status).toBe(status);
    expect(server.acceptor.sessions.size).toBe(status === 200 ? 1 : 0);
    expect(server.acceptor.refusals.map(({ context }) => context["name"])).toEqual(
      status === 200 ? [] : [CODES[status]],
    );
  });

  it.each(TARGETS)("of %s, for an upgrade", async (_name, query, status) => {
    const server = await gateServer({ limits: LIMITS });
    // As long as the other one.
    const target = PATH.replace("transport=polling", "transport=websocket");
    const connection = RawConnection.to(server.port).write(upgradeRequest(target + query.replace("xx", "")));
    await connection.until("\r\n\r\n");
    expect(connection.received).toMatch(new RegExp(`^HTTP/1.1 ${status === 200 ? 101 : status} `));
  });

  it.each(TARGETS)("of %s, over HTTP/2", async (_name, query, status) => {
    const acceptor = new FakeAcceptor();
    const gate = createGate({ clock: manualClock(), limits: LIMITS }, acceptor);
    const server = createServer();
    attach(server, {
      path: "/engine.io/",
      onRequest: (req, res) => gate.handleRequest(req as never, res as never),
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    end = () => void server.close();
    session = connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
    const stream = session.request({ ":path": PATH + query });
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.on("response", resolve));
    expect(headers[":status"]).toBe(status);
    expect(acceptor.sessions.size).toBe(status === 200 ? 1 : 0);
  });

  it("is refused before any middleware sees it, and before the app is asked", async () => {
    let asked = 0;
    const server = await gateServer({
      limits: LIMITS,
      allowRequest: (_req, answer) => {
        asked++;
        answer(null, true);
      },
    });
    server.gate.use((_req: unknown, _res: unknown, next: () => void) => {
      asked++;
      next();
    });
    for (const [, query, status] of TARGETS)
      if (status !== 200) await ask(server.port, { target: PATH + query });
    expect(asked).toBe(0);
  });

  it("is looked at once, however long it is", () => {
    const cost = (length: number): number => {
      let looks = 0;
      const url = {
        length,
        indexOf: () => 0,
        charCodeAt: () => {
          looks++;
          return 0x26;
        },
      };
      urlExcess(url as unknown as string, {
        maxUrlLength: Number.POSITIVE_INFINITY,
        maxQueryParameters: 1000,
      });
      return looks;
    };
    expect(cost(1e6)).toBe(cost(1e5));
    expect(cost(1e5)).toBeLessThanOrEqual(1000);
  });
});
