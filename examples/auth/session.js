// @ts-check
// Who is it? Express's session knows: `node session.js`, or `start()` from a test.
//
// The page logs in over HTTP and gets a cookie; the browser sends it along when the socket connects.
import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import express from "express";
import session from "express-session";
import { pageBeside } from "../page.js";
import { run } from "../run.js";

/** @typedef {import("node:http").IncomingMessage & { session: session.Session & { user?: string } }} WithSession */

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const app = express();
  const http = createServer(app);
  const io = new Server(http);

  // One session for both. A real app keeps the secret elsewhere, and the sessions in a store that outlives it.
  const sessions = session({ secret: "change me", resave: false, saveUninitialized: false });
  app.use(sessions);
  io.engine.use(sessions);

  app.get(["/", "/style.css"], pageBeside(import.meta.url));
  app.post("/login", express.json(), (req, res) => {
    const user = req.body?.user;
    if (typeof user !== "string" || user === "") {
      res.status(400).json({ reason: "Who are you?" });
      return;
    }
    // A new id, so that nobody can have planted one that he knows.
    req.session.regenerate(() => {
      Object.assign(req.session, { user });
      res.json({ user });
    });
  });

  app.post("/logout", (req, res) => {
    const { id } = req.session;
    req.session.destroy(() => {
      // All tabs of this session.
      io.in(`session:${id}`).disconnectSockets(true);
      res.status(204).end();
    });
  });

  io.use((socket, next) => {
    const { session: own } = /** @type {WithSession} */ (socket.request);
    socket.data.user = own.user;
    next(own.user === undefined ? new Error("Log in first.") : undefined);
  });

  io.on("connection", (socket) => {
    const { session: own } = /** @type {WithSession} */ (socket.request);
    socket.join(`session:${own.id}`);
    socket.on("whoami", (reply) => {
      if (typeof reply === "function") reply(socket.data.user);
    });
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

await run(import.meta.url, start);
