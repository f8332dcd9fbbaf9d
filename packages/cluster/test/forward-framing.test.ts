import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { connect as connectHttp2, createServer as createHttp2 } from "node:http2";
import { type AddressInfo, connect, type Server } from "node:net";
import { nativeClock } from "@sockeye/session";
import { afterEach, describe, expect, it } from "vitest";
import { until } from "../../../test/support/wait.js";
import { Forwarder } from "../src/forward/forwarder.js";

// A body is a body on the link between two nodes, too, whatever the method, and nobody's next request.

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => server.close());
  return (server.address() as AddressInfo).port;
}

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly body: string;
}

/** An owner, and a node in front of it that passes all on. */
async function site(front: (onRequest: RequestListener) => Server) {
  const seen: Seen[] = [];
  let links = 0;
  const owner = createServer({ keepAliveTimeout: 0 }, async (req, res) => {
    let body = "";
    for await (const chunk of req) body += String(chunk);
    seen.push({ method: req.method, url: req.url, body });
    res.end("answer");
  });
  owner.on("connection", () => links++);
  owner.on("upgrade", (_req, socket) => socket.destroy());
  const address = `127.0.0.1:${await listening(owner)}`;
  ends.push(() => owner.closeAllConnections());
  const forwarder = new Forwarder({ id: "node", secret: undefined, clock: nativeClock });
  ends.push(() => forwarder.close());
  const member = {
    id: "o",
    tag: "tagg",
    name: "o",
    address,
    key: "k",
    sessions: 0,
    draining: false,
  } as const;
  const facts = { address: "", corsAnswer: undefined };
  const port = await listening(
    front((req: IncomingMessage, res: ServerResponse) => {
      const failed = (): void => void res.writeHead(502).end();
      forwarder.request({ req, res }, { ...member, state: "up" }, { facts, reached() {}, failed });
    }),
  );
  return { port, seen, links: () => links };
}

/** What is answered to some bytes. */
function exchange(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    let got = "";
    socket.on("data", (chunk) => {
      got += String(chunk);
      if (/\r\n\r\n(?:answer|6\r\nanswer)/.test(got) || got.includes("502")) socket.destroy();
    });
    socket.on("close", () => resolve(got));
    socket.write(bytes);
  });
}

const BODY = "GET /smuggled HTTP/1.1\r\nHost: x\r\nX-Rest: ";
const FRAMINGS: Record<string, string> = {
  "in chunks": `Transfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`,
  "with its length": `Content-Length: ${BODY.length}\r\n\r\n${BODY}`,
};

describe.each(Object.entries(FRAMINGS))("a body %s", (_how, rest) => {
  it.each(["GET", "DELETE", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "PROPFIND"])(
    "of %s is passed on as one, and what comes next over the link arrives",
    async (method) => {
      const { port, seen, links } = await site((listener) => createServer(listener));
      expect(await exchange(port, `${method} /first HTTP/1.1\r\nHost: x\r\n${rest}`)).toContain("200 OK");
      expect(await exchange(port, "GET /next HTTP/1.1\r\nHost: x\r\n\r\n")).toContain("200 OK");
      expect(seen).toEqual([
        { method, url: "/first", body: BODY },
        { method: "GET", url: "/next", body: "" },
      ]);
      expect(links()).toBe(1);
    },
  );
});

it.each(["GET", "DELETE", "POST"])("%s over HTTP/2 with a body without a length", async (method) => {
  const { port, seen, links } = await site((listener) => createHttp2(listener as never) as unknown as Server);
  const client = connectHttp2(`http://127.0.0.1:${port}`);
  ends.push(() => client.destroy());
  for (const [path, body] of [
    ["/first", BODY],
    ["/next", ""],
  ]) {
    const stream = client.request({ ":method": method, ":path": path }, { endStream: false });
    stream.resume();
    stream.end(body);
    await until(() => seen.at(-1)?.url === path && stream.closed, "the answer");
  }
  expect(seen.map(({ url, body }) => [url, body])).toEqual([
    ["/first", BODY],
    ["/next", ""],
  ]);
  expect(links()).toBe(1);
});
