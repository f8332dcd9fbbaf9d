// Next.js on a server of its own, with Sockeye beside it. Sockeye takes upgrades of its path only: those of Next's hot reloading are left alone.
import { createServer } from "node:http";
import next from "next";
import { createIo } from "./src/io";

const port = Number(process.env.PORT ?? 3000);
const http = createServer();
const app = next({ dev: process.env.NODE_ENV !== "production", port, httpServer: http });
await app.prepare();

const handle = app.getRequestHandler();
http.on("request", (req, res) => void handle(req, res));
createIo(http);
http.listen(port, () => console.log(`http://localhost:${port}`));
