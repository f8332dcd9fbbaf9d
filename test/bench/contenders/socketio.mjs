// The one to compare with: npm's `socket.io`, in its default set-up.
import { createServer } from "node:http";
import { Server } from "socket.io";
import { app, serverOptions } from "./app.mjs";
import { options, serve } from "./control.mjs";

const server = createServer();
app(new Server(server, serverOptions(options)));
await serve(server);
