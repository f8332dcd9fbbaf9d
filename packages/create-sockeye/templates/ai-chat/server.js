import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import express from "express";
import { complete } from "./model.js";

const app = express();
app.use(express.static("public"));
const http = createServer(app);
const io = new Server(http);

// Who is it? A secret that the browser has made. With users of your own, take what you know of them.
io.use((socket, next) => {
  const { browser } = socket.handshake.auth;
  const isSecret = typeof browser === "string" && /^[\w-]{36}$/.test(browser);
  if (isSecret) socket.data.owner = browser;
  next(isSecret ? undefined : new Error("Say who you are."));
});

// The model runs once for each id, however many tabs watch. The answer is kept for an hour behind its end.
io.stream(
  "answer",
  { keep: "1h", owner: (socket) => socket.data.owner },
  async function* (prompt, { signal }) {
    yield* complete(String(prompt).slice(0, 2000), { signal });
  },
);

const port = Number(process.env.PORT ?? 3000);
http.listen(port, () => console.log(`http://localhost:${port}`));
