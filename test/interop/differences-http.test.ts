import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe } from "vitest";
import { type ClientName, loadClient, serverHalf } from "../support/servers.js";
import { once } from "../support/wait.js";
import { clientsDiffer, ends, serve } from "./differ.js";

// Rows of docs/differences.md about the HTTP of the client on Node.js.

const POLLING = { transports: ["polling"], reconnection: false };

/** A server of HTTP, and nothing else. */
async function bare(answer: RequestListener): Promise<string> {
  const http = createServer(answer).listen(0, "127.0.0.1");
  ends.push(() => {
    http.close();
    http.closeAllConnections();
  });
  await once(http, "listening");
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
}

async function connect(name: ClientName, url: string, options: object): Promise<ClientSocket> {
  const { io } = await loadClient(name);
  const client = io(url, { forceNew: true, ...POLLING, ...options });
  ends.push(() => client.disconnect());
  return client;
}

interface Refusal {
  readonly message: string;
  readonly description: unknown;
}

async function refusal(client: ClientSocket): Promise<Refusal> {
  return (await once(client, "connect_error"))[0] as Refusal;
}

describe("the client on Node.js", () => {
  clientsDiffer("classes of requests", { stock: 3, sockeye: 1 }, async (name) => {
    const { XHR, Fetch, NodeXHR } = (await import(
      name === "sockeye" ? "@sockeye/client" : "socket.io-client"
    )) as typeof import("socket.io-client");
    return new Set<unknown>([XHR, Fetch, NodeXHR]).size;
  });

  clientsDiffer(
    "five messages over polling take one connection each",
    { stock: true, sockeye: false },
    async (name) => {
      const site = await serve("socket.io 4");
      let connections = 0;
      site.http.on("connection", () => {
        connections += 1;
      });
      const client = await connect(name, site.url, {});
      await once(client, "connect");
      const socket = await serverHalf(site, client);
      socket.on("q", (answer) => answer());
      for (let n = 0; n < 5; n++) await client.emitWithAck("q");
      return connections > 5;
    },
  );

  clientsDiffer(
    "requestTimeout of a request that is never answered",
    { stock: "timeout", sockeye: "xhr poll error" },
    async (name) => {
      const url = await bare(() => {});
      const client = await connect(name, url, { requestTimeout: 50, timeout: 3000 });
      return (await refusal(client)).message;
    },
  );

  clientsDiffer("localAddress of a request", { stock: "127.0.0.1", sockeye: "127.0.0.2" }, async (name) => {
    const from = new Promise<string | undefined>((resolve, reject) => {
      bare((req, res) => {
        resolve(req.socket.remoteAddress);
        res.writeHead(500).end();
      })
        .then((url) => connect(name, url, { localAddress: "127.0.0.2" }))
        .catch(reject);
    });
    return from;
  });

  clientsDiffer<unknown>(
    "a redirect of the first request",
    { stock: "followed", sockeye: 302 },
    async (name) => {
      const site = await serve("socket.io 4");
      const url = await bare((req, res) => {
        res.writeHead(302, { Location: `${site.url}${req.url}` }).end();
      });
      const client = await connect(name, url, {});
      const followed = once(site.io.engine, "connection").then(() => "followed");
      followed.catch(() => {});
      return Promise.race([followed, refusal(client).then(({ description }) => description)]);
    },
  );

  clientsDiffer(
    "withCredentials: a cookie for another path",
    { stock: "a=1; b=2", sockeye: "a=1" },
    async (name) => {
      const site = await serve("socket.io 4");
      site.io.engine.on("initial_headers", (headers: Record<string, unknown>) => {
        headers["set-cookie"] = ["a=1; Path=/", "b=2; Path=/elsewhere"];
      });
      const told = new Promise<string | undefined>((resolve) => {
        site.http.on("request", (req) => req.url?.includes("sid=") && resolve(req.headers.cookie));
      });
      await connect(name, site.url, { withCredentials: true });
      return told;
    },
  );

  clientsDiffer(
    "withCredentials: the app's own cookies, beside those of the server",
    { stock: "a=1", sockeye: "own=0; a=1" },
    async (name) => {
      const site = await serve("socket.io 4");
      site.io.engine.on("initial_headers", (headers: Record<string, unknown>) => {
        headers["set-cookie"] = ["a=1; Path=/"];
      });
      const told = new Promise<string | undefined>((resolve) => {
        site.http.on("request", (req) => req.url?.includes("sid=") && resolve(req.headers.cookie));
      });
      await connect(name, site.url, { withCredentials: true, extraHeaders: { cookie: "own=0" } });
      return told;
    },
  );

  clientsDiffer("description of a request to nobody", { stock: "0", sockeye: "Error" }, async (name) => {
    const client = await connect(name, "http://127.0.0.1:1", {});
    const { description } = await refusal(client);
    return description instanceof Error ? "Error" : String(description);
  });
});
