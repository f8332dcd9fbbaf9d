// @ts-check
// What travels, in both directions: the server checks by it what comes in, and a client in TypeScript has its types from it.
import { call, contract, event } from "@sockeye/contract";
import { z } from "zod";

const title = z.string().trim().min(1).max(200);
const id = z.uuid();
const task = z.object({ id, title, done: z.boolean() });
const NOT_FOUND = z.object({ id });

export const tasks = contract({
  toServer: {
    "task:list": call(undefined, { answer: z.array(task) }),
    "task:create": call(z.strictObject({ title }), { answer: task }),
    "task:update": call(z.strictObject({ id, title: title.optional(), done: z.boolean().optional() }), {
      answer: task,
      errors: { NOT_FOUND },
    }),
    "task:delete": call(z.strictObject({ id }), { answer: task, errors: { NOT_FOUND } }),
  },
  toClient: {
    "task:created": event(task),
    "task:updated": event(task),
    "task:deleted": event(task),
  },
});

/** @typedef {z.infer<typeof task>} Task */
