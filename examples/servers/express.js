// @ts-check
// Beside the routes of Express: `node express.js`, or `start()` from a test.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import express from "express";
import { run } from "../run.js";
import { greet, running } from "./greet.js";

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export function start({ port = 3000 } = {}) {
  const app = express();
  app.get("/", (_req, res) => {
    res.send("Express is here, too.");
  });

  // The server, not the app: `app.listen()` would make another one.
  const http = createServer(app);
  const io = new Server(http);
  greet(io);
  http.listen(port);
  return running(io);
}

await run(import.meta.url, start);
