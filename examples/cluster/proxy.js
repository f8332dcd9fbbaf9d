// @ts-check
// A proxy that knows nothing of sessions: each request goes to the next node, each WebSocket too. Stands for nginx or any other balancer.
import { once } from "node:events";
import { createServer, request } from "node:http";
import { connect } from "node:net";

/**
 * @param {number} port
 * @param {() => readonly number[]} nodes where the nodes listen now
 */
export async function startProxy(port, nodes) {
  let turn = 0;
  const next = () => nodes()[turn++ % Math.max(nodes().length, 1)] ?? 0;

  const server = createServer((req, res) => {
    const { method, url, headers } = req;
    const out = request({ host: "127.0.0.1", port: next(), method, path: url, headers }, (answer) => {
      res.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      res.flushHeaders();
      answer.on("error", () => res.destroy());
      answer.pipe(res);
    });
    out.on("error", () => (res.headersSent ? res.destroy() : res.writeHead(502).end()));
    res.on("close", () => out.destroy());
    req.pipe(out);
  });

  server.on("upgrade", (req, socket, head) => {
    const link = connect(next(), "127.0.0.1");
    const lines = [`${req.method} ${req.url} HTTP/1.1`];
    for (let at = 0; at < req.rawHeaders.length; at += 2)
      lines.push(`${req.rawHeaders[at]}: ${req.rawHeaders[at + 1]}`);
    link.write(`${lines.join("\r\n")}\r\n\r\n`);
    link.write(head);
    link.pipe(socket).pipe(link);
    for (const end of [socket, link]) {
      end.on("error", () => {});
      end.on("close", () => [socket, link].forEach((each) => void each.destroy()));
    }
  });

  server.listen(port);
  await once(server, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (server.address());
  return {
    port: address.port,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}
