// Sockeye's server again, which can be asked to broadcast, and what became of its sessions.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { options, serve } from "./control.mjs";

const server = createServer();
const io = new Server(server, { serveClient: false, pingInterval: 600_000, ...options });
await serve(server, {
  health: () => io.health(),
  /** So many events of so many bytes, to all. */
  broadcast: async ({ events, bytes }) => {
    for (let event = 0; event < events; event++) {
      io.emit("all", "x".repeat(bytes));
      await new Promise((resolve) => setImmediate(resolve));
    }
  },
});
