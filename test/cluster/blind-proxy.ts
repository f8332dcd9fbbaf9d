// A balancer that knows nothing of sessions: each request goes to the next server, each upgrade too.
import { createServer, type IncomingMessage, request } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { atEnd } from "./site.js";

export interface BlindProxy {
  readonly url: string;
  /** Requests that each port got. */
  readonly counts: Map<number, number>;
  /** Answers with status 400. */
  readonly refused: string[];
  ports: number[];
  /** Breaks all connections that were upgraded. @returns how many */
  cut(): number;
}

export async function blindProxy(ports: number[]): Promise<BlindProxy> {
  let turn = 0;
  const counts = new Map<number, number>();
  const refused: string[] = [];
  const upgraded = new Set<Socket>();
  const next = (): number => {
    const port = proxy.ports[turn++ % proxy.ports.length] ?? 0;
    counts.set(port, (counts.get(port) ?? 0) + 1);
    return port;
  };
  const server = createServer((req, res) => {
    const { method, url, headers } = req;
    const out = request(
      { port: next(), host: "127.0.0.1", method, path: url, headers, agent: false },
      (answer) => {
        if (answer.statusCode === 400) refused.push(`${method} ${url}`);
        res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        res.flushHeaders();
        answer.on("error", () => res.destroy());
        answer.pipe(res);
      },
    );
    out.on("error", () => res.destroy());
    res.on("close", () => out.destroy());
    req.pipe(out);
  });
  server.on("upgrade", (req: IncomingMessage, socket: Socket, head: Buffer) => {
    const link = connect(next(), "127.0.0.1");
    upgraded.add(socket);
    socket.on("close", () => upgraded.delete(socket));
    let text = `${req.method} ${req.url} HTTP/1.1\r\n`;
    for (let at = 0; at < req.rawHeaders.length; at += 2)
      text += `${req.rawHeaders[at]}: ${req.rawHeaders[at + 1]}\r\n`;
    link.write(`${text}\r\n`);
    link.write(head);
    link.pipe(socket).pipe(link);
    for (const [one, other] of [
      [socket, link],
      [link, socket],
    ] as const) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  const cut = (): number => {
    const { size } = upgraded;
    for (const socket of upgraded) socket.destroy();
    return size;
  };
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  atEnd(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const proxy: BlindProxy = { url: `http://127.0.0.1:${port}`, counts, refused, ports, cut };
  return proxy;
}
