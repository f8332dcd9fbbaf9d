import { once } from "node:events";
import { TEXT } from "../load/frames.mjs";
import { answerParent } from "./control.mjs";

/** What a client that is measured does, the very same calls on Sockeye's and on Socket.IO's. */
export async function clientApp(socket, { burst }) {
  let count = 0;
  socket.on("news", (data) => {
    if (data !== TEXT) throw new Error("a wrong event came");
    count++;
  });
  const sendBurst = () => {
    for (let sent = 0; sent < burst; sent++) socket.emit("echo", TEXT);
  };
  // The server says so once it has all of a burst.
  socket.on("more", () => {
    count += burst;
    sendBurst();
  });
  await once(socket, "connect");
  answerParent({ count: () => count, begin: () => void socket.emit("begin") });
}

export const clientOptions = { transports: ["websocket"], reconnection: false };
