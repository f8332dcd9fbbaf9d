// Ours, as built: `@sockeye/server`.
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { app, serverOptions } from "./app.mjs";
import { options, serve } from "./control.mjs";

const server = createServer();
app(new Server(server, serverOptions(options)));
await serve(server);
