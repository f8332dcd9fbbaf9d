// @ts-check
// Three nodes behind a proxy that sends each request to the next of them: `node server.js`, or `start()` from a program.
import cluster from "node:cluster";
import { fileURLToPath } from "node:url";
import { relay } from "@sockeye/bus-process";
import { run } from "../run.js";
import { startProxy } from "./proxy.js";

const NODES = 3;
/** A node that has died is replaced after so long. */
const RESTART_MS = 3000;

/** @param {{ port?: number }} [options] `port`: where the proxy listens; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  /** Where each live node listens. @type {Map<import("node:cluster").Worker, number>} */
  const ports = new Map();
  let open = true;

  // Passes on what the nodes say to each other. With REDIS_URL they don't need it.
  relay();
  cluster.setupPrimary({ exec: fileURLToPath(new URL("./node.js", import.meta.url)) });

  /** @param {string} name */
  function launch(name) {
    if (!open) return;
    const worker = cluster.fork({ NODE_NAME: name });
    worker.on("message", (message) => {
      if (typeof message?.port === "number") ports.set(worker, message.port);
    });
    worker.on("exit", () => {
      ports.delete(worker);
      if (open) setTimeout(() => launch(name), RESTART_MS);
    });
  }
  for (let n = 1; n <= NODES; n++) launch(`node ${n}`);
  while (ports.size < NODES) await new Promise((resolve) => cluster.once("message", resolve));

  const proxy = await startProxy(port, () => [...ports.values()]);
  return {
    url: `http://localhost:${proxy.port}`,
    close: async () => {
      open = false;
      proxy.close();
      await new Promise((resolve) => cluster.disconnect(() => resolve(undefined)));
    },
  };
}

await run(import.meta.url, start, (url) => `Cluster on ${url}`);
