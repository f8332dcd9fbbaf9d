// @ts-check
// Messages from one person to another: `node server.js`, or `start()` from a test.
//
// Each person is a room, and every tab of that person is in it. To write to someone is to emit to a room.
import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { pageBeside } from "../page.js";
import { run } from "../run.js";

/** @typedef {{ from: string, to: string, text: string, at: number }} Message `at` in milliseconds since 1970. */

/**
 * What clients send. Nothing about it is known until it has been looked at.
 * @typedef {object} FromClient
 * @property {(to: unknown, text: unknown, reply: unknown) => void} send `reply` is called with true if somebody got it.
 */

/**
 * What clients get.
 * @typedef {object} FromServer
 * @property {(people: string[]) => void} people Who is online, once, on arrival.
 * @property {(name: string) => void} online
 * @property {(name: string) => void} offline With the last tab of that person.
 * @property {(message: Message) => void} message To every tab of both, except the one that sent it.
 */

/** @typedef {{ name: string }} Data */

const TEXT_LENGTH = 2000;

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const http = createServer(pageBeside(import.meta.url));
  /** @type {Server<FromClient, FromServer, {}, Data>} */
  const io = new Server(http);

  io.use((socket, next) => {
    // A name will do here. A real app takes it from a session or a token: see the example `auth`.
    const { name } = socket.handshake.auth;
    if (typeof name !== "string" || name === "" || name.length > 50) return next(new Error("Choose a name."));
    socket.data.name = name;
    next();
  });

  io.on("connection", (socket) => {
    const { name } = socket.data;
    const isFirstTab = !isOnline(name);
    socket.join(room(name));
    socket.emit("people", [...new Set([...io.of("/").sockets.values()].map(({ data }) => data.name))]);
    if (isFirstTab) socket.broadcast.emit("online", name);

    socket.on("send", (to, text, reply) => {
      const delivered = send(to, text);
      if (typeof reply === "function") reply(delivered);
    });

    socket.on("disconnect", () => {
      if (!isOnline(name)) io.emit("offline", name);
    });

    /**
     * @param {unknown} to
     * @param {unknown} text
     * @returns {boolean} Whether there was a message, and somebody to get it.
     */
    function send(to, text) {
      if (typeof to !== "string" || typeof text !== "string" || text === "" || text.length > TEXT_LENGTH)
        return false;
      if (!isOnline(to)) return false;
      // The other tabs of the author show it too.
      socket.to([room(to), room(name)]).emit("message", { from: name, to, text, at: Date.now() });
      return true;
    }
  });

  /** @param {string} name */
  function isOnline(name) {
    return io.of("/").adapter.rooms.has(room(name));
  }

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

/**
 * Ids of sockets are rooms too. The prefix keeps a name from being one.
 *
 * @param {string} name
 */
function room(name) {
  return `person:${name}`;
}

await run(import.meta.url, start);
