// @ts-check
// Beside the routes of Fastify: `node fastify.js`, or `start()` from a test.
import { Server } from "@sockeye/server";
import fastify from "fastify";
import { run } from "../run.js";
import { greet, running } from "./greet.js";

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const app = fastify();
  app.get("/", () => "Fastify is here, too.");

  const io = new Server(app.server);
  greet(io);
  // Fastify waits for connections to end; those of the engine end only when told.
  app.addHook("preClose", () => io.close({ drain: true }));
  await app.listen({ port });
  const { url } = await running(io);
  return { url, close: () => app.close() };
}

await run(import.meta.url, start);
