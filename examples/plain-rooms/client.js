// @ts-check
// npm's socket.io-client follows a room: what was said before, what is said, and who is there, over any number of connections.
import { fileURLToPath } from "node:url";
import { io } from "socket.io-client";

/**
 * @param {string} url
 * @param {{ room: string, name: string, heard: (event: string, args: unknown[]) => void, people: (states: Map<string, string>) => void, lost: () => void }} options
 */
export function follow(url, { room, name, heard, people, lost }) {
  const socket = io(url, { auth: { name } });
  const states = new Map();
  let since = "last:20";
  socket.on("sockeye:event", ({ position, event, args }) => {
    if (wasSeen(position, since)) return;
    since = position;
    heard(event, args);
  });
  socket.on("sockeye:presence", ({ joined, updated, away, left }) => {
    for (const { key, state } of [...joined, ...updated]) states.set(key, state);
    for (const key of away) states.set(key, "away");
    for (const key of left) states.delete(key);
    people(states);
  });
  socket.on("connect", () => {
    socket.emit("sockeye:join", { room, since }, (/** @type {any} */ joined, /** @type {any} */ refusal) => {
      if (joined === null) throw new Error(refusal.$error.message);
      if (!joined.complete) lost();
      since = joined.position;
      states.clear();
      for (const { key, state } of joined.members) states.set(key, state);
      socket.emit("sockeye:presence", { room, set: { by: "npm" } });
    });
  });
  return socket;
}

/**
 * A position is an epoch, a dot, and a number in base 36. An event may come twice while a client joins.
 *
 * @param {string} position
 * @param {string} last
 */
function wasSeen(position, last) {
  const [epoch = "", number = ""] = position.split(".");
  const [lastEpoch, lastNumber = ""] = last.split(".");
  return epoch === lastEpoch && Number.parseInt(number, 36) <= Number.parseInt(lastNumber, 36);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [url = "http://localhost:3000", name = "Ann"] = process.argv.slice(2);
  follow(url, {
    room: "lobby",
    name,
    heard: (event, args) => console.log(event, JSON.stringify(args)),
    people: (states) =>
      console.log("people", JSON.stringify([...states].map(([who, state]) => `${who} ${state}`).sort())),
    lost: () => console.log("lost", "[]"),
  });
}
