import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import express from "express";

const app = express();
app.use(express.static("public"));
app.get("/api/people", (_req, res) => res.json({ people: io.of("/").sockets.size }));

// Express and Sockeye share one HTTP server.
const http = createServer(app);
const io = new Server(http);

// A room that remembers: whoever joins gets the last messages, and sees who is there. Only the server publishes.
io.room("chat", {
  keep: { count: 100 },
  presence: (socket) => socket.id,
  authorize: (_socket, { action }) => action !== "publish",
});

io.handle("say", ({ from, text }) => {
  io.to("chat").emit("said", { from: String(from).slice(0, 30), text: String(text).slice(0, 500) });
});

const port = Number(process.env.PORT ?? 3000);
http.listen(port, () => console.log(`http://localhost:${port}`));
