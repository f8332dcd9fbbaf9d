// @ts-check
// Beside Koa: `node koa.js`, or `start()` from a test.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import Koa from "koa";
import { run } from "../run.js";
import { greet, running } from "./greet.js";

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export function start({ port = 3000 } = {}) {
  const app = new Koa();
  app.use((context) => {
    context.body = "Koa is here, too.";
  });

  // The server, not the app: `app.listen()` would make another one.
  const http = createServer(app.callback());
  const io = new Server(http);
  greet(io);
  http.listen(port);
  return running(io);
}

await run(import.meta.url, start);
