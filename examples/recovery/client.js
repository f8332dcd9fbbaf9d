// @ts-check
// Counts along, and breaks its own connection now and then: `node client.js http://localhost:3000`.
import { fileURLToPath } from "node:url";
import { io } from "@sockeye/client";

/**
 * @param {string} url
 * @param {(line: string) => void} print
 */
export function follow(url, print) {
  const socket = io(url);
  let last = 0;
  socket.on("connect", () => {
    print(socket.recovered ? `back as ${socket.id}, nothing is lost` : `new here, as ${socket.id}`);
  });
  socket.on("state", (count) => {
    last = count;
  });
  socket.on("number", (count) => {
    print(count === last + 1 ? `${count}` : `${count}, but where is ${last + 1}?`);
    last = count;
  });
  socket.on("disconnect", (reason) => print(`gone: ${reason}`));
  return {
    /** As if the network had failed: `socket.disconnect()` would be a goodbye, after which there is nothing to recover. */
    breakOff: () => socket.io.engine.close(),
    leave: () => socket.disconnect(),
  };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { breakOff } = follow(process.argv[2] ?? "http://localhost:3000", console.log);
  setInterval(breakOff, 7000);
}
