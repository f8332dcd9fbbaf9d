// @ts-check
// A list that everybody edits: `node server.js`, or `start()` from a test.
//
// A contract says what may be asked. What does not keep to it is answered with `ERR_INVALID` and reaches no handler.
import { once } from "node:events";
import { createServer } from "node:http";
import { CallError, Server } from "@sockeye/server";
import { pageBeside } from "../page.js";
import { run } from "../run.js";
import { tasks as contract } from "./contract.js";
import { Tasks } from "./tasks.js";

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const http = createServer(pageBeside(import.meta.url));
  const io = new Server(http, { contract });
  const tasks = new Tasks();

  io.handle("task:list", () => tasks.list());

  io.handle("task:create", (draft, { socket }) => {
    const task = tasks.create(draft);
    socket.broadcast.emit("task:created", task);
    return task;
  });

  io.handle("task:update", (change, { socket }) => {
    const task = found(tasks.update(change), change.id);
    socket.broadcast.emit("task:updated", task);
    return task;
  });

  io.handle("task:delete", (choice, { socket }) => {
    const task = found(tasks.delete(choice), choice.id);
    socket.broadcast.emit("task:deleted", task);
    return task;
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

/**
 * @param {import("./contract.js").Task | undefined} task
 * @param {string} id
 */
function found(task, id) {
  if (task === undefined) throw new CallError("NOT_FOUND", { id });
  return task;
}

await run(import.meta.url, start);
