import { BIG } from "./big.mjs";

/** The app that is measured: the very same calls on Sockeye and on Socket.IO. */
export function app(io) {
  io.on("connection", (socket) => {
    socket.on("echo", (data) => socket.emit("echo", data));
    socket.on("ack", (data, answer) => answer(data));
    socket.on("all", (data) => io.emit("all", data));
    socket.on("join", (room, answer) => {
      socket.join(room);
      answer();
    });
    socket.on("room", (room, data) => io.to(room).emit("room", data));
    socket.on("big", () => io.emit("big", BIG));
  });
  io.of(/^\/n\d+$/).on("connection", (socket) => {
    socket.on("echo", (data) => socket.emit("echo", data));
  });
}

/** Without heartbeats, unless they are what is measured: a ping in the window of another row is noise. */
export function serverOptions({ pingInterval = 600_000, perMessageDeflate = false, ...others }) {
  return { serveClient: false, pingInterval, pingTimeout: 20_000, perMessageDeflate, ...others };
}
