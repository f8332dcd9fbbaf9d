// @ts-check
// What all four servers do once somebody is connected.
import { once } from "node:events";

/** @param {import("@sockeye/server").Server} io */
export function greet(io) {
  io.on("connection", (socket) => {
    socket.emit("welcome", socket.id);
    socket.on("greet", (name, reply) => {
      if (typeof name === "string" && typeof reply === "function") reply(`Hello ${name}`);
    });
  });
}

/**
 * What `start()` gives.
 *
 * @param {import("@sockeye/server").Server} io attached to a server that listens, or is about to
 * @returns {Promise<{ url: string, close: () => Promise<void> }>} Rejects if it cannot listen.
 */
export async function running(io) {
  if (!io.httpServer.listening) await once(io.httpServer, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (io.httpServer.address());
  return { url: `http://localhost:${port}`, close: () => io.close({ drain: true }) };
}
