// @ts-check
// The tasks, and what may be asked of them. Knows nothing of sockets.
import { randomUUID } from "node:crypto";
import { z } from "zod";

export const draft = z.strictObject({ title: z.string().trim().min(1).max(200) });
export const change = z.strictObject({
  id: z.uuid(),
  title: draft.shape.title.optional(),
  done: z.boolean().optional(),
});
export const choice = z.strictObject({ id: z.uuid() });

/** @typedef {{ readonly id: string, readonly title: string, readonly done: boolean }} Task */

export class Tasks {
  /** @type {Map<string, Task>} */
  #all = new Map();

  /** @returns {Task[]} In order of creation. */
  list() {
    return [...this.#all.values()];
  }

  /**
   * @param {z.infer<typeof draft>} draft
   * @returns {Task}
   */
  create({ title }) {
    const task = { id: randomUUID(), title, done: false };
    this.#all.set(task.id, task);
    return task;
  }

  /**
   * @param {z.infer<typeof change>} change
   * @returns {Task | undefined} Nothing if there is no such task.
   */
  update({ id, title, done }) {
    const before = this.#all.get(id);
    if (before === undefined) return undefined;
    const task = { id, title: title ?? before.title, done: done ?? before.done };
    this.#all.set(id, task);
    return task;
  }

  /**
   * @param {z.infer<typeof choice>} choice
   * @returns {Task | undefined} What was there.
   */
  delete({ id }) {
    const task = this.#all.get(id);
    this.#all.delete(id);
    return task;
  }
}
