// A process for exit.test.ts: `exit-app.ts <url> <transport> <end>`.
import { io } from "@sockeye/client";

const [, , url = "", transport = "", end = ""] = process.argv;

const sockets = ["/", "/other"].map((nsp) =>
  io(url + nsp, { transports: [transport], forceNew: true, autoUnref: end === "empty" }),
);
const alive = setInterval(() => {}, 1000);
const connected = (): void => {
  if (!sockets.every((socket) => socket.connected)) return;
  console.log(process.listenerCount("exit"));
  if (end === "exit") process.exit();
  if (end === "empty") clearInterval(alive);
  if (end === "throw") {
    setTimeout(() => {
      throw new Error("the app's own");
    });
  }
};
for (const socket of sockets) socket.on("connect", connected);
