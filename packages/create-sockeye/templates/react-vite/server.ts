// One server for the page and its events. In development Vite is a middleware of it; its WebSocket goes its own way on the same port.
import { createServer } from "node:http";
import express from "express";
import { createIo } from "./src/io";

const app = express();
const http = createServer(app);
createIo(http);

if (process.argv.includes("--production")) app.use(express.static("dist"));
else {
  const vite = await import("vite");
  const server = { middlewareMode: true, hmr: { server: http } };
  app.use((await vite.createServer({ server })).middlewares);
}

const port = Number(process.env.PORT ?? 3000);
http.listen(port, () => console.log(`http://localhost:${port}`));
