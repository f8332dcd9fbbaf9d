// The floor: the same wire on a bare TCP socket, frames made by hand, one write for each chunk that is read, and the
// frames of a turn's broadcasts in one write for each receiver. No framework can be cheaper.
import { createHash } from "node:crypto";
import { createServer } from "node:net";
import { serve } from "./control.mjs";
import { BINARY_ECHO, CONNECTED, frame, OPEN, readEvent, writeAck, writeEvent } from "./wire.mjs";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const OPEN_FRAME = frame(OPEN());
const CONNECTED_FRAME = frame(CONNECTED);
const BINARY_HEAD = frame(BINARY_ECHO);
const CLOSE_FRAME = Buffer.from([0x88, 0]);

const everybody = new Set();
const rooms = new Map();

class Peer {
  constructor(socket) {
    this.socket = socket;
    this.isOpen = false;
    this.carry = undefined;
    this.out = [];
  }

  read(chunk) {
    let data = chunk;
    if (this.carry) {
      data = Buffer.concat([this.carry, chunk]);
      this.carry = undefined;
    }
    const read = this.isOpen ? this.frames(data) : this.head(data);
    if (read < data.length) this.carry = data.subarray(read);
    if (this.out.length === 0) return;
    this.socket.write(this.out.length === 1 ? this.out[0] : Buffer.concat(this.out));
    this.out.length = 0;
  }

  head(data) {
    const end = data.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const key = /sec-websocket-key: (\S+)/i.exec(data.latin1Slice(0, end))[1];
    const accept = createHash("sha1")
      .update(key + GUID)
      .digest("base64");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    const response = `${lines.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
    this.out.push(Buffer.from(response, "latin1"), OPEN_FRAME);
    this.isOpen = true;
    return end + 4;
  }

  frames(data) {
    let at = 0;
    while (data.length - at >= 6) {
      const opcode = data[at] & 15;
      let length = data[at + 1] & 127;
      let start = at + 6;
      if (length === 126) {
        if (data.length - at < 8) return at;
        length = data.readUInt16BE(at + 2);
        start = at + 8;
      }
      const end = start + length;
      if (end > data.length) return at;
      for (let index = 0; index < length; index++) data[start + index] ^= data[start - 4 + (index & 3)];
      if (opcode === 1) this.text(data.latin1Slice(start, end));
      else if (opcode === 2) this.out.push(BINARY_HEAD, frame(data.subarray(start, end)));
      else if (opcode === 8) this.out.push(CLOSE_FRAME);
      at = end;
    }
    return at;
  }

  text(text) {
    if (text.startsWith("42")) this.handle(readEvent(text));
    else if (text === "40") {
      everybody.add(this.socket);
      this.out.push(CONNECTED_FRAME);
    }
  }

  handle({ name, args, id }) {
    switch (name) {
      case "echo":
        this.out.push(frame(writeEvent("echo", args[0])));
        return;
      case "ack":
        this.out.push(frame(writeAck(id, args[0])));
        return;
      case "all":
        toAll(frame(writeEvent("all", args[0])));
        return;
      case "join":
        rooms.set(args[0], (rooms.get(args[0]) ?? new Set()).add(this.socket));
        this.out.push(frame(writeAck(id)));
        return;
      case "room": {
        const shared = frame(writeEvent("room", args[1]));
        for (const socket of rooms.get(args[0])) socket.write(shared);
      }
    }
  }
}

/** The broadcasts of this turn of the event loop. */
let turn = [];

function toAll(shared) {
  if (turn.push(shared) > 1) return;
  setImmediate(() => {
    const all = Buffer.concat(turn);
    turn = [];
    for (const socket of everybody) socket.write(all);
  });
}

const server = createServer({ noDelay: true }, (socket) => {
  const peer = new Peer(socket);
  socket.on("data", (chunk) => peer.read(chunk));
  socket.on("close", () => everybody.delete(socket));
  socket.on("error", () => {});
});

await serve(server);
