// @ts-check
// A chat with a model: `node server.js`, or `start()` from a test.
import { once } from "node:events";
import { createServer } from "node:http";
import { CallError } from "@sockeye/contract";
import { Server } from "@sockeye/server";
import { pageBeside } from "../page.js";
import { run } from "../run.js";
import { complete } from "./model.js";

/** @typedef {{ id: string, prompt: string }} Question */

/** How long answers are kept behind their end, and how many questions of one person are listed. */
const KEEP = "1h";
const LISTED = 20;

/** @param {{ port?: number, paceMs?: number }} [options] `paceMs`: how long the model thinks about each word. Default: 60. */
export async function start({ port = 3000, paceMs = 60 } = {}) {
  const http = createServer(pageBeside(import.meta.url));
  const io = new Server(http);
  /** @type {Map<string, Question[]>} */
  const asked = new Map();

  // Who is it? A secret that the browser has made. An app with users takes `socket.data.user` here.
  io.use((socket, next) => {
    const { browser } = socket.handshake.auth;
    const isSecret = typeof browser === "string" && /^[\w-]{36}$/.test(browser);
    if (isSecret) socket.data.owner = browser;
    next(isSecret ? undefined : new Error("Say who you are."));
  });

  io.on("connection", (socket) => {
    const { owner } = socket.data;
    socket.join(owner);
    // All tabs of a browser show the same questions, and each attaches to their answers.
    socket.on("questions", (reply) => typeof reply === "function" && reply(asked.get(owner) ?? []));
    socket.on("disconnect", () => {
      if (!asked.get(owner)?.length) asked.delete(owner);
    });
  });

  // The model runs once for each id, however many tabs watch, and goes on when all of them reload.
  io.stream(
    "answer",
    { keep: KEEP, owner: (socket) => socket.data.owner },
    async function* (input, { id, socket, signal }) {
      const prompt = /** @type {unknown} */ (input?.prompt);
      if (typeof prompt !== "string" || prompt.trim() === "" || prompt.length > 2000)
        throw new CallError("NO_PROMPT", undefined, {
          message: "Ask something of at most 2,000 characters.",
        });
      const { owner } = socket.data;
      const question = { id: String(id), prompt };
      asked.set(owner, [...(asked.get(owner) ?? []), question].slice(-LISTED));
      socket.to(owner).emit("asked", question);
      yield* complete(prompt, { signal, paceMs });
    },
  );

  http.listen(port);
  await once(http, "listening");
  const address = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { url: `http://localhost:${address.port}`, close: () => io.close({ drain: true }) };
}

await run(import.meta.url, start);
