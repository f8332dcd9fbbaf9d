// @ts-check
// A list that everybody edits: `node server.js`, or `start()` from a test.
//
// Every request is checked by a schema before anything is done, and every answer has one of two forms:
// { ok: true, value } or { ok: false, reason, details? }.
import { once } from "node:events";
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { z } from "zod";
import { pageBeside } from "../page.js";
import { run } from "../run.js";
import { change, choice, draft, Tasks } from "./tasks.js";

/** @typedef {{ ok: true, value: unknown } | { ok: false, reason: string, details?: unknown }} Reply */

/** @param {{ port?: number }} [options] `port`: where to listen; 0 for any free one. Default: 3000. */
export async function start({ port = 3000 } = {}) {
  const http = createServer(pageBeside(import.meta.url));
  const io = new Server(http);
  const tasks = new Tasks();

  io.on("connection", (socket) => {
    answer("task:list", z.undefined(), () => tasks.list());
    answer("task:create", draft, (value) => told("task:created", tasks.create(value)));
    answer("task:update", change, (value) => told("task:updated", tasks.update(value)));
    answer("task:delete", choice, (value) => told("task:deleted", tasks.delete(value)));

    /**
     * Answers requests for an event. Its arguments are what the schema describes, if anything, and the callback.
     *
     * @template {z.ZodType} Schema
     * @param {string} event
     * @param {Schema} schema
     * @param {(value: z.infer<Schema>) => unknown} act Returns nothing if there is no such task.
     */
    function answer(event, schema, act) {
      socket.on(event, (...args) => {
        const reply = args.pop();
        if (typeof reply !== "function") return;
        reply(outcome(schema.safeParse(args[0]), act));
      });
    }

    /**
     * Tells the others what has happened.
     *
     * @param {string} event
     * @param {import("./tasks.js").Task | undefined} task
     */
    function told(event, task) {
      if (task !== undefined) socket.broadcast.emit(event, task);
      return task;
    }
  });

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

/**
 * @template T
 * @param {z.ZodSafeParseResult<T>} parsed
 * @param {(value: T) => unknown} act
 * @returns {Reply}
 */
function outcome(parsed, act) {
  if (!parsed.success) return { ok: false, reason: "invalid", details: z.treeifyError(parsed.error) };
  const value = act(parsed.data);
  return value === undefined ? { ok: false, reason: "not found" } : { ok: true, value };
}

await run(import.meta.url, start);
