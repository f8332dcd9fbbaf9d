import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Opening 5,000 connections is what takes longest. */
const ANSWER_TIMEOUT_MS = 30_000;
const END_TIMEOUT_MS = 5000;

/** A process of its own, which is asked over IPC. Every question is answered, or fails in bounded time. */
export class Child {
  #process;
  #waiting = new Map();
  #ids = 0;
  #gone;
  /** How long an answer may take. */
  patienceMs = ANSWER_TIMEOUT_MS;

  constructor(file, argument, nodeOptions = []) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    this.#process = spawn(process.execPath, [...nodeOptions, path, JSON.stringify(argument)], {
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    this.#gone = new Promise((resolve) => this.#process.once("exit", resolve));
    this.#process.on("message", ({ id, answer }) => this.#settle(id, (waiting) => waiting.resolve(answer)));
    this.#process.once("exit", (code, signal) => {
      const error = new Error(`${file} ended with ${signal ?? code}`);
      for (const id of [...this.#waiting.keys()]) this.#settle(id, (waiting) => waiting.reject(error));
    });
    this.ready = this.#answer("ready");
  }

  ask(ask, argument) {
    const id = ++this.#ids;
    this.#process.send({ id, ask, argument }, () => {});
    return this.#answer(id);
  }

  /** Lets it end by itself, so that it can write a profile; after a while it is ended. */
  async end() {
    if (this.#process.connected) this.#process.disconnect();
    const timer = setTimeout(() => this.#process.kill("SIGKILL"), END_TIMEOUT_MS);
    await this.#gone;
    clearTimeout(timer);
  }

  #answer(id) {
    return new Promise((resolve, reject) => {
      const late = () =>
        this.#settle(id, (waiting) => waiting.reject(new Error(`no answer to ${id} in time`)));
      this.#waiting.set(id, { resolve, reject, timer: setTimeout(late, this.patienceMs) });
    });
  }

  #settle(id, how) {
    const waiting = this.#waiting.get(id);
    if (waiting === undefined) return;
    this.#waiting.delete(id);
    clearTimeout(waiting.timer);
    how(waiting);
  }
}
