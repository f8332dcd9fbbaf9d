// What an app costs that uses `ws` by hand: the same messages, one `send` for each, no framework. A broadcast with
// permessage-deflate is compressed once and its frame shared, which is the floor of that row.

import { createServer } from "node:http";
import { constants, deflateRawSync } from "node:zlib";
import { WebSocketServer } from "ws";
import { BIG } from "./big.mjs";
import { options, serve } from "./control.mjs";
import { BINARY_ECHO, CONNECTED, frame, OPEN, readEvent, writeAck, writeEvent } from "./wire.mjs";

const server = createServer();
const sockets = new WebSocketServer({
  server,
  path: "/socket.io/",
  clientTracking: false,
  perMessageDeflate: options.perMessageDeflate ? { serverNoContextTakeover: true } : false,
});
const everybody = new Set();
const rooms = new Map();

sockets.on("connection", (ws) => {
  everybody.add(ws);
  ws.send(OPEN());
  ws.on("message", (data, isBinary) => {
    if (isBinary) {
      ws.send(BINARY_ECHO);
      ws.send(data);
      return;
    }
    const text = data.toString();
    if (text.startsWith("42")) handle(ws, readEvent(text));
    else if (text === "40") ws.send(CONNECTED);
  });
  ws.on("close", () => everybody.delete(ws));
});

function handle(ws, { name, args, id }) {
  switch (name) {
    case "echo":
      ws.send(writeEvent("echo", args[0]));
      return;
    case "ack":
      ws.send(writeAck(id, args[0]));
      return;
    case "all":
      toAll(everybody, writeEvent("all", args[0]));
      return;
    case "join":
      rooms.set(args[0], (rooms.get(args[0]) ?? new Set()).add(ws));
      ws.send(writeAck(id));
      return;
    case "room":
      toAll(rooms.get(args[0]), writeEvent("room", args[1]));
      return;
    case "big":
      compressedToAll(writeEvent("big", BIG));
  }
}

function toAll(members, text) {
  const bytes = Buffer.from(text);
  for (const ws of members) ws.send(bytes, { binary: false });
}

function compressedToAll(text) {
  const deflated = deflateRawSync(text, { finishFlush: constants.Z_SYNC_FLUSH });
  const shared = frame(deflated.subarray(0, deflated.length - 4), { compressed: true });
  for (const ws of everybody) ws._socket.write(shared);
}

await serve(server);
