// @ts-check
// Who is it? A JSON Web Token says so: `node jwt.js`, or `start()` from a test.
//
// The client gets a token over HTTP and hands it over in `auth`, with every connection. Browsers cannot add headers to a
// WebSocket, and a query ends up in logs: `auth` is the place.
import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import express from "express";
import { jwtVerify, SignJWT } from "jose";
import { pageBeside } from "../page.js";
import { run } from "../run.js";

/** @typedef {{ user: string, until: number }} Claim `until` in milliseconds since 1970. */

/**
 * @param {{ port?: number, secret?: string, lifetimeMs?: number }} [options] `port`: where to listen; 0 for any free one.
 *   Default: 3000. `lifetimeMs`: of a token. Default: one hour.
 */
export async function start({ port = 3000, secret = "change me", lifetimeMs = 3_600_000 } = {}) {
  const key = new TextEncoder().encode(secret);
  const app = express();
  const http = createServer(app);
  const io = new Server(http);

  app.get(
    ["/", "/style.css"],
    pageBeside(import.meta.url, (html) => html.replace('data-by="session"', 'data-by="token"')),
  );
  app.post("/token", express.json(), async (req, res) => {
    const user = req.body?.user;
    // Here a real app asks for the password.
    if (typeof user !== "string" || user === "") res.status(400).json({ reason: "Who are you?" });
    else res.json({ token: await sign(user) });
  });

  io.use(async (socket) => {
    const { user, until } = await verify(socket.handshake.auth["token"]);
    socket.data.user = user;
    // Who has been let in stays no longer than the token lasts.
    socket.expireAt(until);
  });

  io.on("connection", (socket) => {
    socket.on("whoami", (reply) => {
      if (typeof reply === "function") reply(socket.data.user);
    });

    // A newer token, while the connection stands. What the client hears is why not, or null.
    socket.on("renew", async (token, reply) => {
      try {
        const { user, until } = await verify(token);
        // The rooms and the data of a socket are one person's.
        if (user !== socket.data.user) throw new Error("The token is somebody else's.");
        socket.expireAt(until);
        if (typeof reply === "function") reply(null);
      } catch (error) {
        if (typeof reply === "function") reply(error instanceof Error ? error.message : "No.");
      }
    });
  });

  /** @param {string} user */
  function sign(user) {
    return new SignJWT({ until: Date.now() + lifetimeMs })
      .setProtectedHeader({ alg: "HS256" })
      .setSubject(user)
      .setExpirationTime(new Date(Date.now() + lifetimeMs))
      .sign(key);
  }

  /**
   * @param {unknown} token
   * @returns {Promise<Claim>} Rejects, and the client is refused.
   */
  async function verify(token) {
    if (typeof token !== "string") throw new Error("Bring a token.");
    try {
      const { payload } = await jwtVerify(token, key, { algorithms: ["HS256"] });
      return { user: payload.sub ?? "", until: Number(payload["until"]) };
    } catch (cause) {
      throw new Error("The token is not valid.", { cause });
    }
  }

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

await run(import.meta.url, start);
