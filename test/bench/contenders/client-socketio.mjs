// The one to compare with: npm's `socket.io-client`.
import { io } from "socket.io-client";
import { clientApp, clientOptions } from "./client-app.mjs";
import { options } from "./control.mjs";

await clientApp(io(`http://127.0.0.1:${options.port}`, clientOptions), options);
