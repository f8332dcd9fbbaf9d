// What every contender's process has in common: it answers its parent about its own use of CPU and memory. The figures
// come from the process itself, so other processes do not count.
import { once } from "node:events";

/** The options of the row, from the command line. */
export const options = JSON.parse(process.argv[2] ?? "{}");

/**
 * Listens on a free port of 127.0.0.1.
 *
 * @param {import("node:net").Server} server an HTTP or TCP server
 * @param {Record<string, (argument: unknown) => unknown>} asks what can be asked besides
 */
export async function serve(server, asks = {}) {
  server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 });
  await once(server, "listening");
  answerParent(asks, server.address().port);
}

/**
 * @param {Record<string, (argument: unknown) => unknown>} asks what can be asked besides
 * @param ready told to the parent
 */
export function answerParent(asks, ready) {
  const all = { usage, memory, ...asks };
  process.on("message", async ({ id, ask, argument }) => {
    process.send({ id, answer: await all[ask](argument) });
  });
  // Ends in the ordinary way, so that a CPU profile is written.
  process.on("disconnect", () => process.exit());
  process.send({ id: "ready", answer: ready });
}

function usage() {
  const { user, system } = process.cpuUsage();
  return { user, system, at: performance.now() };
}

/** After garbage collections, with time in between for finalizers and closing handles. */
async function memory() {
  for (let round = 0; round < 4; round++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const { heapUsed, rss, external } = process.memoryUsage();
  return { heap: heapUsed, rss, external };
}
