import { once } from "node:events";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";

/** What a proxy does to what passes it. */
export interface Treatment {
  /** `swallow`: the handshake passes, and then not a byte more, either way. */
  readonly upgrades: "pass" | "refuse" | "swallow";
  /** What comes arrives so many ms later. */
  readonly delayMs?: number;
  /** A response without a length is broken off after so many bytes of its body. */
  readonly cutAfterBytes?: number;
  /** A response is passed on once it is complete. */
  readonly buffers?: boolean;
}

export interface Proxy {
  readonly port: number;
  stop(): Promise<void>;
}

/** A proxy of HTTP/1.1 in front of a server on this host. */
export async function startProxy(upstream: number, treatment: Treatment): Promise<Proxy> {
  const server = createServer((req, res) => forward(req, res, upstream, treatment));
  const open = new Set<Duplex>();
  server.on("connection", (socket: Socket) => {
    open.add(socket);
    socket.on("error", () => {});
    socket.once("close", () => open.delete(socket));
  });
  server.on("upgrade", (req: IncomingMessage, socket: Duplex) => tunnel(req, socket, upstream, treatment));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      const closed = once(server, "close");
      server.close();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

function ask(req: IncomingMessage, port: number) {
  const { method, url: path, headers } = req;
  return request({ host: "127.0.0.1", port, method, path, headers, agent: false });
}

function forward(req: IncomingMessage, res: ServerResponse, upstream: number, treatment: Treatment): void {
  const passed = ask(req, upstream);
  req.pipe(passed);
  res.on("close", () => passed.destroy());
  passed.on("error", () => res.destroy());
  passed.on("response", (answer) => {
    const { statusCode = 502, headers } = answer;
    answer.on("error", () => res.destroy());
    if (treatment.buffers) {
      const body: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => body.push(chunk));
      answer.on("end", () => {
        const { "transfer-encoding": _, ...rest } = headers;
        const whole = Buffer.concat(body);
        res.writeHead(statusCode, { ...rest, "content-length": whole.length });
        res.end(whole);
      });
      return;
    }
    const later = laterBy(treatment.delayMs);
    let left = headers["content-length"] === undefined ? treatment.cutAfterBytes : undefined;
    later(() => {
      res.writeHead(statusCode, headers);
      res.flushHeaders();
    });
    answer.on("data", (chunk: Buffer) => {
      if (left !== undefined) left -= chunk.length;
      later(() => void res.write(chunk));
      if (left !== undefined && left <= 0) later(() => void res.destroy());
    });
    answer.on("end", () => later(() => void res.end()));
  });
}

function tunnel(req: IncomingMessage, near: Duplex, upstream: number, treatment: Treatment): void {
  if (treatment.upgrades === "refuse") {
    near.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    return;
  }
  const passed = ask(req, upstream);
  passed.on("error", () => near.destroy());
  passed.on("response", () => near.destroy());
  passed.on("upgrade", (answer, far, head) => {
    far.on("error", () => {});
    const lines = Object.entries(answer.headers).map(([name, value]) => `${name}: ${value}\r\n`);
    near.write(`HTTP/1.1 101 Switching Protocols\r\n${lines.join("")}\r\n`);
    far.unshift(head);
    link(far, near, treatment);
    link(near, far, treatment);
  });
  passed.end();
}

function link(from: Duplex, to: Duplex, { upgrades, delayMs }: Treatment): void {
  const later = laterBy(delayMs);
  from.on("data", (chunk: Buffer) => {
    if (upgrades === "pass") later(() => void to.write(chunk));
  });
  from.on("close", () => later(() => void to.destroy()));
}

function laterBy(ms: number | undefined): (act: () => void) => void {
  return ms === undefined ? (act) => act() : (act) => void setTimeout(act, ms);
}
