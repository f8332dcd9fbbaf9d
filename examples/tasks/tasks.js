// @ts-check
// The tasks. Knows nothing of sockets.
import { randomUUID } from "node:crypto";

/** @typedef {import("./contract.js").Task} Task */

export class Tasks {
  /** @type {Map<string, Task>} */
  #all = new Map();

  /** @returns {Task[]} In order of creation. */
  list() {
    return [...this.#all.values()];
  }

  /**
   * @param {Pick<Task, "title">} draft
   * @returns {Task}
   */
  create({ title }) {
    const task = { id: randomUUID(), title, done: false };
    this.#all.set(task.id, task);
    return task;
  }

  /**
   * @param {Pick<Task, "id"> & { title?: string | undefined, done?: boolean | undefined }} change
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
   * @param {Pick<Task, "id">} choice
   * @returns {Task | undefined} What was there.
   */
  delete({ id }) {
    const task = this.#all.get(id);
    this.#all.delete(id);
    return task;
  }
}
