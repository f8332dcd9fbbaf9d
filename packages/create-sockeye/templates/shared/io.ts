// The events of the server.
import type { Server as HttpServer } from "node:http";
import { Server } from "@sockeye/server";
import { chat } from "./contract";

export function createIo(http: HttpServer) {
  const io = new Server(http, { contract: chat });

  // A room that remembers: whoever joins gets the last messages, and sees who is there. Only the server publishes.
  io.room("chat", {
    keep: { count: 100 },
    presence: (socket) => socket.id,
    authorize: (_socket, { action }) => action !== "publish",
  });

  io.handle("say", (message) => {
    io.to("chat").emit("said", message);
  });

  return io;
}
