// What a client costs that uses `ws` by hand: the same messages, one `send` for each, no framework.
import { WebSocket } from "ws";
import { TEXT } from "../load/frames.mjs";
import { answerParent, options } from "./control.mjs";
import { readEvent, writeEvent } from "./wire.mjs";

const ws = new WebSocket(`ws://127.0.0.1:${options.port}/socket.io/?EIO=4&transport=websocket`, {
  perMessageDeflate: false,
});
let count = 0;

ws.on("message", (data) => {
  const text = data.toString();
  if (text.startsWith("42")) handle(readEvent(text));
  else if (text.startsWith("0")) ws.send("40");
  else if (text.startsWith("40")) {
    answerParent({ count: () => count, begin: () => ws.send(writeEvent("begin")) });
  }
});

function handle({ name, args }) {
  if (name === "news") {
    if (args[0] !== TEXT) throw new Error("a wrong event came");
    count++;
    return;
  }
  count += options.burst;
  for (let sent = 0; sent < options.burst; sent++) ws.send(writeEvent("echo", TEXT));
}
