// @ts-check
// The protocol by hand, over a bare WebSocket: `node client.js http://localhost:3000`. What goes over the wire is in PROTOCOL.md.
//
// Each frame is text. Its first character is the engine's: 0 open, 2 ping, 3 pong, 4 message. A message begins with the type of a
// packet: 0 connect, 1 disconnect, 2 event, 3 acknowledgement, 4 refused. So `42["hello"]` is a message with an event.
import { fileURLToPath } from "node:url";
import WebSocket from "ws";

/**
 * @typedef {object} Line
 * @property {(event: string, ...args: unknown[]) => Promise<unknown[]>} ask Resolves with the server's acknowledgement.
 * @property {() => void} close
 */

/**
 * @param {string} url
 * @param {{ auth?: object, onEvent?: (event: string, ...args: unknown[]) => void }} [options]
 * @returns {Promise<Line>} Rejects if the server refuses.
 */
export function connect(url, { auth = {}, onEvent = () => {} } = {}) {
  const ws = new WebSocket(`${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`);
  /** @type {Map<number, (args: unknown[]) => void>} */
  const waiting = new Map();
  let nextId = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let silence;
  let patienceMs = 45_000;

  /** @param {string} event @param {unknown[]} args @returns {Promise<unknown[]>} */
  const ask = (event, ...args) =>
    new Promise((resolve) => {
      waiting.set(nextId, resolve);
      ws.send(`42${nextId++}${JSON.stringify([event, ...args])}`);
    });

  return new Promise((resolve, reject) => {
    ws.on("error", reject);
    ws.on("close", () => clearTimeout(silence));
    ws.on("message", (data) => {
      const frame = String(data);
      // A server that says nothing for that long is gone.
      clearTimeout(silence);
      silence = setTimeout(() => ws.terminate(), patienceMs);
      if (frame === "2") ws.send("3");
      else if (frame.startsWith("0")) {
        const { pingInterval, pingTimeout } = JSON.parse(frame.slice(1));
        patienceMs = pingInterval + pingTimeout;
        ws.send(`40${JSON.stringify(auth)}`);
      } else if (frame.startsWith("40")) resolve({ ask, close: () => ws.close() });
      else if (frame.startsWith("44")) reject(new Error(JSON.parse(frame.slice(2)).message));
      else if (frame.startsWith("42")) event(frame.slice(2));
      else if (frame.startsWith("43")) {
        const [, id, args] = /^(\d+)(.*)$/s.exec(frame.slice(2)) ?? [];
        waiting.get(Number(id))?.(JSON.parse(args ?? "[]"));
        waiting.delete(Number(id));
      }
    });
  });

  /** @param {string} text `["event",1]`, with a number in front if the server wants an answer */
  function event(text) {
    const start = text.indexOf("[");
    const [name, ...args] = JSON.parse(text.slice(start));
    onEvent(name, ...args);
    if (start > 0) ws.send(`43${text.slice(0, start)}["seen"]`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const url = process.argv[2] ?? "http://localhost:3000";
  const { ask } = await connect(url, { auth: { name: "By hand" }, onEvent: console.log });
  console.log("the chat says", await ask("say", "Hello from a bare WebSocket"));
}
