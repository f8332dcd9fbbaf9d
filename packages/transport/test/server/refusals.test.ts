import { describe, expect, it } from "vitest";
import { gateServer, stockServer } from "./gate-server.js";
import { ask, askUpgrade, type Question } from "./raw-client.js";

/** Every refusal is asked of the npm package and of ours; the answers and what the app is told must be the same. */
interface Row {
  readonly name: string;
  readonly ask: Question;
  readonly answer: { readonly code: number; readonly message: string; readonly status?: number };
  /** Options of both servers. */
  readonly options?: object;
  readonly use?: (req: unknown, res: unknown, next: (error?: unknown) => void) => void;
}

const forbid = (message: string | null) => ({
  allowRequest: (_req: unknown, callback: (error: string | null, success: boolean) => void) =>
    callback(message, false),
});

const UNKNOWN_TRANSPORT = { code: 0, message: "Transport unknown" };
const UNKNOWN_SID = { code: 1, message: "Session ID unknown" };
const BAD_METHOD = { code: 2, message: "Bad handshake method" };
const BAD_REQUEST = { code: 3, message: "Bad request" };
const FORBIDDEN = { code: 4, message: "Forbidden", status: 403 };
const UNSUPPORTED = { code: 5, message: "Unsupported protocol version" };
const PATH = "/engine.io/";
const POLLING = `${PATH}?EIO=4&transport=polling`;
const WEBSOCKET = `${PATH}?EIO=4&transport=websocket`;
const middleware: Row["use"] = (_req, _res, next) => next(new Error("no"));

const rows: Row[] = [
  { name: "no query", ask: { target: PATH }, answer: UNKNOWN_TRANSPORT },
  { name: "no transport", ask: { target: `${PATH}?EIO=4` }, answer: UNKNOWN_TRANSPORT },
  { name: "unknown transport", ask: { target: `${PATH}?EIO=4&transport=x` }, answer: UNKNOWN_TRANSPORT },
  {
    name: "transport __proto__",
    ask: { target: `${PATH}?EIO=4&transport=__proto__` },
    answer: UNKNOWN_TRANSPORT,
  },
  {
    name: "webtransport over HTTP",
    ask: { target: `${PATH}?EIO=4&transport=webtransport` },
    options: { transports: ["polling", "webtransport"] },
    answer: UNKNOWN_TRANSPORT,
  },
  {
    name: "disabled transport",
    ask: { target: POLLING },
    options: { transports: ["websocket"] },
    answer: UNKNOWN_TRANSPORT,
  },
  { name: "unknown sid", ask: { target: `${POLLING}&sid=x` }, answer: UNKNOWN_SID },
  { name: "sid __proto__", ask: { target: `${POLLING}&sid=__proto__` }, answer: UNKNOWN_SID },
  { name: "sid constructor", ask: { target: `${POLLING}&sid=constructor` }, answer: UNKNOWN_SID },
  { name: "sid in escapes", ask: { target: `${POLLING}&sid=%2e%2e%2f` }, answer: UNKNOWN_SID },
  {
    name: "unknown sid by POST",
    ask: { method: "POST", target: `${POLLING}&sid=x`, body: "1" },
    answer: UNKNOWN_SID,
  },
  { name: "POST", ask: { method: "POST", target: POLLING, body: "1" }, answer: BAD_METHOD },
  { name: "PUT", ask: { method: "PUT", target: POLLING }, answer: BAD_METHOD },
  { name: "DELETE", ask: { method: "DELETE", target: POLLING }, answer: BAD_METHOD },
  { name: "OPTIONS", ask: { method: "OPTIONS", target: POLLING }, answer: BAD_METHOD },
  { name: "websocket without upgrade", ask: { target: WEBSOCKET }, answer: BAD_REQUEST },
  { name: "refused by a middleware", ask: { target: POLLING }, use: middleware, answer: BAD_REQUEST },
  { name: "forbidden", ask: { target: POLLING }, options: forbid(null), answer: FORBIDDEN },
  {
    name: "forbidden with a text",
    ask: { target: POLLING },
    options: forbid("grüße"),
    answer: { ...FORBIDDEN, message: "grüße" },
  },
  { name: "EIO 3", ask: { target: `${PATH}?EIO=3&transport=polling` }, answer: UNSUPPORTED },
  { name: "EIO 5", ask: { target: `${PATH}?EIO=5&transport=polling` }, answer: UNSUPPORTED },
  { name: "no EIO", ask: { target: `${PATH}?transport=polling` }, answer: UNSUPPORTED },
  // The order of the checks.
  { name: "transport before sid", ask: { target: `${PATH}?transport=x&sid=x` }, answer: UNKNOWN_TRANSPORT },
  {
    name: "sid before method and protocol",
    ask: { method: "PUT", target: `${PATH}?transport=polling&sid=x` },
    answer: UNKNOWN_SID,
  },
  {
    name: "method before the app",
    ask: { method: "PUT", target: `${PATH}?transport=polling` },
    options: forbid(null),
    answer: BAD_METHOD,
  },
  {
    name: "upgrade before the app",
    ask: { target: `${PATH}?transport=websocket` },
    options: forbid(null),
    answer: BAD_REQUEST,
  },
  {
    name: "the app before the protocol",
    ask: { target: `${PATH}?transport=polling` },
    options: forbid(null),
    answer: FORBIDDEN,
  },
  { name: "an empty sid is none", ask: { target: `${PATH}?transport=polling&sid=` }, answer: UNSUPPORTED },
];

async function bothServers(row: Pick<Row, "options" | "use">) {
  const [ours, stock] = await Promise.all([gateServer(row.options), stockServer(row.options)]);
  if (row.use !== undefined) {
    ours.gate.use(row.use);
    stock.engine.use(row.use);
  }
  return { ours, stock };
}

describe("a refused request", () => {
  it.each(rows)("$name", async (row) => {
    const { ours, stock } = await bothServers(row);
    const [answer, expected] = await Promise.all([ask(ours.port, row.ask), ask(stock.port, row.ask)]);
    expect(answer.status).toBe(row.answer.status ?? 400);
    const { code, message } = row.answer;
    expect(Buffer.from(answer.body, "latin1").toString()).toBe(JSON.stringify({ code, message }));
    expect({ status: expected.status, type: expected.headers["content-type"], body: expected.body }).toEqual({
      status: answer.status,
      type: answer.headers["content-type"],
      body: answer.body,
    });
    expectSameReport(ours.acceptor.refusals, stock.refusals);
  });

  it("keeps the bare status for HEAD", async () => {
    const { ours, stock } = await bothServers({});
    const question = { method: "HEAD", target: POLLING };
    const [answer, expected] = await Promise.all([ask(ours.port, question), ask(stock.port, question)]);
    expect([answer.status, answer.body]).toEqual([400, ""]);
    expect([expected.status, expected.body]).toEqual([400, ""]);
  });

  it("names an Origin with control characters", async () => {
    const http = { insecureHTTPParser: true };
    const [ours, stock] = await Promise.all([gateServer({}, http), stockServer({}, http)]);
    const text = `GET ${POLLING} HTTP/1.1\r\nHost: x\r\nOrigin: http://a\u0001b\r\nConnection: close\r\n\r\n`;
    const { RawConnection } = await import("./raw-client.js");
    const answers = await Promise.all(
      [ours.port, stock.port].map(async (port) => {
        const connection = RawConnection.to(port).write(text);
        await connection.over;
        return connection.received;
      }),
    );
    for (const received of answers) {
      expect(received).toMatch(/^HTTP\/1\.1 400 /);
      expect(received).toContain(JSON.stringify(BAD_REQUEST));
    }
    expect(ours.acceptor.refusals[0]?.context).toEqual({ name: "INVALID_ORIGIN", origin: "http://a\u0001b" });
    expectSameReport(ours.acceptor.refusals, stock.refusals);
  });

  const sessionRows = [
    { name: "another transport", query: "EIO=4&transport=websocket", context: "TRANSPORT_MISMATCH" },
    { name: "another protocol", query: "EIO=3&transport=polling", context: "PROTOCOL_MISMATCH" },
    { name: "no protocol", query: "transport=polling", context: "PROTOCOL_MISMATCH" },
  ];
  it.each(sessionRows)("of a live session: $name", async ({ query, context }) => {
    const { ours, stock } = await bothServers({});
    for (const port of [ours.port, stock.port]) {
      const target = `${PATH}?${query}&sid=${await handshake(port)}`;
      const { status, body } = await ask(port, { target });
      expect({ status, body }).toEqual({ status: 400, body: JSON.stringify(BAD_REQUEST) });
    }
    expect(ours.acceptor.refusals[0]?.context["name"]).toBe(context);
    expectSameReport(ours.acceptor.refusals, stock.refusals);
  });

  it.each([
    [
      "throws",
      () => {
        throw new Error("out of ids");
      },
    ],
    ["rejects", () => Promise.reject(new Error("out of ids"))],
  ])("when the making of an id %s", async (_name, newId) => {
    const { ours, stock } = await bothServers({});
    ours.acceptor.newId = newId;
    stock.engine.generateId = newId;
    for (const port of [ours.port, stock.port]) {
      const { status, body } = await ask(port, { target: POLLING });
      expect({ status, body }).toEqual({ status: 400, body: JSON.stringify(BAD_REQUEST) });
    }
    expect(ours.acceptor.refusals[0]?.context["name"]).toBe("ID_GENERATION_ERROR");
    expectSameReport(ours.acceptor.refusals, stock.refusals);
  });
});

describe("a refused upgrade", () => {
  const upgrades: Row[] = [
    { name: "no transport", ask: { target: PATH }, answer: UNKNOWN_TRANSPORT },
    { name: "unknown transport", ask: { target: `${PATH}?EIO=4&transport=x` }, answer: UNKNOWN_TRANSPORT },
    { name: "unknown sid", ask: { target: `${WEBSOCKET}&sid=x` }, answer: UNKNOWN_SID },
    { name: "sid __proto__", ask: { target: `${WEBSOCKET}&sid=__proto__` }, answer: UNKNOWN_SID },
    { name: "middleware", ask: { target: WEBSOCKET }, use: middleware, answer: BAD_REQUEST },
    { name: "forbidden", ask: { target: WEBSOCKET }, options: forbid(null), answer: FORBIDDEN },
    { name: "text", ask: { target: WEBSOCKET }, options: forbid("nö"), answer: { code: 4, message: "nö" } },
  ];
  it.each(upgrades)("$name", async (row) => {
    const { ours, stock } = await bothServers(row);
    const [answer, expected] = await Promise.all([
      askUpgrade(ours.port, row.ask.target),
      askUpgrade(stock.port, row.ask.target),
    ]);
    const message = Buffer.from(row.answer.message).toString("latin1");
    expect(answer).toBe(
      `HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-type: text/html\r\nContent-Length: ${message.length}\r\n\r\n${message}`,
    );
    expect(answer).toBe(expected);
    expectSameReport(ours.acceptor.refusals, stock.refusals);
  });

  it("with another protocol than the session's", async () => {
    const { ours, stock } = await bothServers({});
    const answers = await Promise.all(
      [ours.port, stock.port].map(async (port) =>
        askUpgrade(port, `${PATH}?EIO=3&transport=websocket&sid=${await handshake(port)}`),
      ),
    );
    expect(answers[0]).toContain("Bad request");
    expect(answers[0]).toBe(answers[1]);
    expectSameReport(ours.acceptor.refusals, stock.refusals);
  });

  // The npm package completes these handshakes first, and then writes HTTP into the WebSocket or closes it.
  it.each([
    ["an old protocol", `${PATH}?EIO=3&transport=websocket`, "Unsupported protocol version"],
    ["a transport that is no WebSocket", POLLING, "Bad request"],
  ])("comes before the 101 response: %s", async (_name, target, message) => {
    const { port } = await gateServer();
    const answer = await askUpgrade(port, target);
    expect(answer).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/);
    expect(answer.endsWith(`\r\n\r\n${message}`)).toBe(true);
  });
});

async function handshake(port: number): Promise<string> {
  const { body } = await ask(port, { target: POLLING });
  return (JSON.parse(body.slice(1)) as { sid: string }).sid;
}

type Report = { readonly code: number; readonly message: string; readonly context: Record<string, unknown> };

/** Ours may tell more (the error of the app), never less. Ids differ. */
function expectSameReport(ours: readonly Report[], stock: readonly Report[]): void {
  expect(stock).not.toHaveLength(0);
  expect(ours).toMatchObject(stock.map(({ code, message, context }) => ({ code, message, context })));
}
