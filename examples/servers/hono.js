// @ts-check
// Beside the routes of Hono: `node hono.js`, or `start()` from a test.
import { serve } from "@hono/node-server";
import { Server } from "@sockeye/server";
import { Hono } from "hono";
import { run } from "../run.js";
import { greet, running } from "./greet.js";

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export function start({ port = 3000 } = {}) {
  const app = new Hono();
  app.get("/", (context) => context.text("Hono is here, too."));

  const io = new Server(serve({ fetch: app.fetch, port }));
  greet(io);
  return running(io);
}

await run(import.meta.url, start);
