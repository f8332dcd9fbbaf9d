// What only Node.js has. What it has in common with fetch stands in test/web/http-request.test.ts.
import { Agent, createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { SELF_SIGNED } from "../../../../test/support/certificate.js";
import { httpRequest } from "../../src/client/node/http.js";
import type { HttpAnswer, HttpOptions } from "../../src/shared/http-like.js";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

const answerOk: Answer = (request, response) => {
  request.resume().on("end", () => response.end("ok"));
};

/** A server, and the connections that came to it. */
async function listen(server: Server, scheme: string) {
  const wires = new Set<unknown>();
  server.on("request", ({ socket }) => wires.add(socket));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  ends.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `${scheme}://127.0.0.1:${(server.address() as AddressInfo).port}/engine/`, wires };
}

const serve = (answer: Answer = answerOk) => listen(createServer(answer), "http");
const serveTls = (options: object = {}) =>
  listen(createTlsServer({ ...SELF_SIGNED, ...options }, answerOk), "https");

const ask = (url: string, options: Partial<HttpOptions> = {}, body?: string): Promise<HttpAnswer> =>
  httpRequest(url, { withCredentials: false, requestTimeoutMs: 0, ...options }, body).answer;

const OK = { status: 200, responseText: "ok" };

describe("connections", () => {
  it("are used again for the next request of the session, POSTs included", async () => {
    const { url, wires } = await serve();
    const session = {};
    for (const body of [undefined, "4a", undefined, "4b", undefined]) {
      expect(await ask(url, { session }, body)).toEqual(OK);
    }
    expect(wires.size).toBe(1);
  });

  it("serve no other session", async () => {
    const { url, wires } = await serve();
    for (const session of [{}, {}]) await ask(url, { session });
    expect(wires.size).toBe(2);
  });

  it("are new for a transport that comes back to the session, and then its own", async () => {
    const { url, wires } = await serve();
    const [session, claim] = [{}, {}];
    for (const options of [{ session }, { session, claim }, { session, claim }]) await ask(url, options);
    expect(wires.size).toBe(2);
  });

  it("come from the app's agent, if it has one", async () => {
    const { url, wires } = await serve();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    ends.push(() => agent.destroy());
    const client = { agent };
    await Promise.all([{}, {}, {}].map((session) => ask(url, { session, client })));
    expect(wires.size).toBe(1);
  });

  it("are not kept if the app says agent: false", async () => {
    const { url, wires } = await serve();
    const session = {};
    for (let i = 0; i < 2; i++) await ask(url, { session, client: { agent: false } });
    expect(wires.size).toBe(2);
  });

  it("leave from the address that the app names", async () => {
    const { url } = await serve((request, response) => response.end(request.socket.remoteAddress));
    expect((await ask(url, { client: { localAddress: "127.0.0.2" } })).responseText).toBe("127.0.0.2");
  });
});

describe("TLS", () => {
  const { cert, key } = SELF_SIGNED;
  const refused: readonly (readonly [string, object])[] = [
    ["no options", {}],
    ["rejectUnauthorized: undefined", { rejectUnauthorized: undefined }],
    ["rejectUnauthorized: null", { rejectUnauthorized: null }],
    ["rejectUnauthorized: 0", { rejectUnauthorized: 0 }],
    ["ca: undefined", { ca: undefined, cert: undefined, key: null, pfx: undefined }],
    ["its authority, but another name", { ca: cert, checkServerIdentity: () => new Error("not you") }],
  ];
  it.each(refused)("refuses a stranger's certificate with %s", async (_name, client) => {
    const { url, wires } = await serveTls();
    await expect(ask(url, { client: client as Record<string, unknown> })).rejects.toThrow();
    expect(wires.size).toBe(0);
  });

  it.each([{ ca: cert }, { ca: [Buffer.from(cert)] }, { rejectUnauthorized: false }])(
    "accepts it with %o",
    async (client) => {
      const { url } = await serveTls();
      expect(await ask(url, { client }, "4")).toEqual(OK);
    },
  );

  it("shows the client's certificate", async () => {
    const { url } = await serveTls({ requestCert: true, ca: cert });
    await expect(ask(url, { client: { ca: cert } })).rejects.toThrow();
    expect(await ask(url, { client: { ca: cert, cert, key } })).toEqual(OK);
  });

  it("uses the ciphers that are named", async () => {
    const { url } = await serveTls({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" });
    const client = { ca: cert, ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" };
    await expect(ask(url, { client })).rejects.toThrow();
    expect(await ask(url, { client: { ...client, ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256" } })).toEqual(OK);
  });
});

describe("cookies", () => {
  const tellCookie: Answer = (request, response) => {
    const count = request.headers.cookie?.length ?? 0;
    response.setHeader(
      "Set-Cookie",
      count > 0 ? ["a=; Max-Age=0", "c=3"] : ["a=1; Path=/engine", "b=2; Secure"],
    );
    response.end(request.headers.cookie ?? "none");
  };

  it("come back with withCredentials, within a session", async () => {
    const { url } = await serve(tellCookie);
    const options = { session: {}, withCredentials: true };
    const seen: string[] = [];
    for (let i = 0; i < 3; i++) seen.push((await ask(url, options)).responseText);
    expect(seen).toEqual(["none", "a=1", "c=3"]);
    expect((await ask(url, { ...options, session: {} })).responseText).toBe("none");
  });

  it("do not come back without", async () => {
    const { url } = await serve(tellCookie);
    const session = {};
    for (let i = 0; i < 2; i++) expect((await ask(url, { session })).responseText).toBe("none");
  });
});

describe("answers", () => {
  it("are not followed elsewhere", async () => {
    let elsewhere = 0;
    const { url: other } = await serve((_request, response) => {
      elsewhere++;
      response.end();
    });
    for (const status of [301, 302, 303, 307, 308]) {
      const { url } = await serve((_request, response) =>
        response.writeHead(status, { Location: other }).end(),
      );
      for (const body of [undefined, "4"]) expect((await ask(url, {}, body)).status).toBe(status);
    }
    expect(elsewhere).toBe(0);
  });

  it("that break off reject", async () => {
    const { url } = await serve((_request, response) => {
      response.writeHead(200, { "Content-Length": "10" });
      response.write("x", () => response.destroy());
    });
    await expect(ask(url)).rejects.toThrow();
  });

  it("that break off after requestTimeoutMs reject, though their head was there", async () => {
    const { url } = await serve((_request, response) => void response.writeHead(200).write("x"));
    await expect(ask(url, { requestTimeoutMs: 30 })).rejects.toThrow();
  });

  it("that have no end are given up", async () => {
    const chunk = Buffer.alloc(4 * 1024 * 1024);
    const { url } = await serve((_request, response) => {
      const write = (): void => {
        while (!response.destroyed && response.write(chunk));
      };
      response.on("drain", write);
      write();
    });
    await expect(ask(url)).rejects.toThrow("answer too large");
  });

  it.each(["http://[bad/", "ftp://127.0.0.1/"])("to %s never come, and nothing is thrown", async (url) => {
    await expect(ask(url)).rejects.toThrow();
  });

  it("to a request with headers that cannot be sent never come", async () => {
    const { url } = await serve();
    await expect(ask(url, { headers: { a: "b\r\nc: d" } })).rejects.toThrow("Invalid character");
  });
});

it("sends what Socket.IO's client sends", async () => {
  const { url } = await serve((request, response) => response.end(JSON.stringify(request.headers)));
  const headers = JSON.parse((await ask(url, { headers: { "X-A": "1" } }, "4ž")).responseText);
  expect(headers).toMatchObject({
    "x-a": "1",
    accept: "*/*",
    "content-type": "text/plain;charset=UTF-8",
    "content-length": "3",
  });
});
