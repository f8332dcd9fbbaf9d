// Ours, as built: `@sockeye/client` in Node.js.
import { io } from "@sockeye/client";
import { clientApp, clientOptions } from "./client-app.mjs";
import { options } from "./control.mjs";

await clientApp(io(`http://127.0.0.1:${options.port}`, clientOptions), options);
