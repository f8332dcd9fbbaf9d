import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:net";
import { CONNECTED, frame, OPEN, writeEvent } from "../contenders/wire.mjs";
import { TEXT } from "./frames.mjs";

const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const HEADS = Buffer.concat([frame(OPEN()), frame(CONNECTED)]);
const MORE = frame(writeEvent("more"));
/** Events that the server writes at once. */
const PER_WRITE = 256;
const NEWS = Buffer.concat(Array(PER_WRITE).fill(frame(writeEvent("news", TEXT))));
/** Of a client's text frames, masked: what `42["echo",…]` and its header take. */
const SENT_LENGTH = writeEvent("echo", TEXT).length;

/**
 * The server of the rows that measure a client: the wire by hand, and frames that are made beforehand, so that it is the
 * client that has work. On `begin` it sends events as fast as the network takes them, or (with `burst`) asks for so many
 * events and, when it has them, for the next ones.
 */
export async function prepare(_port, { burst }) {
  const server = createServer({ noDelay: true }, (socket) => new Peer(socket, burst));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: () => server.address().port };
}

class Peer {
  #socket;
  #burst;
  #isOpen = false;
  #carry = Buffer.alloc(0);
  #begun = false;
  #received = 0;

  constructor(socket, burst) {
    this.#socket = socket;
    this.#burst = burst;
    socket.on("data", (chunk) => this.#read(chunk));
    socket.on("drain", () => this.#sendNews());
    socket.on("error", () => {});
  }

  #read(chunk) {
    const data = this.#carry.length === 0 ? chunk : Buffer.concat([this.#carry, chunk]);
    const read = this.#isOpen ? this.#frames(data) : this.#head(data);
    this.#carry = data.subarray(read);
  }

  #head(data) {
    const end = data.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const key = /sec-websocket-key: (\S+)/i.exec(data.latin1Slice(0, end))[1];
    const accept = createHash("sha1")
      .update(key + GUID)
      .digest("base64");
    const lines = ["HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade"];
    this.#socket.write(`${lines.join("\r\n")}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`);
    this.#socket.write(HEADS);
    this.#isOpen = true;
    return end + 4;
  }

  /** All frames of the rows are short or of two bytes' length; a text is looked at by its length alone. */
  #frames(data) {
    let at = 0;
    while (data.length - at >= 6) {
      const length = data[at + 1] & 127;
      if (data[at] !== 0x81 || length > 125) throw new Error("not a frame that was expected");
      if (at + 6 + length > data.length) break;
      at += 6 + length;
      this.#message(length);
    }
    return at;
  }

  #message(length) {
    if (!this.#begun) {
      // CONNECT is shorter than an event; the answer to it was sent ahead.
      if (length < 5) return;
      this.#begun = true;
      if (this.#burst === 0) this.#sendNews();
      else this.#socket.write(MORE);
      return;
    }
    if (length !== SENT_LENGTH) throw new Error("an event of the wrong length");
    if (++this.#received % this.#burst === 0) this.#socket.write(MORE);
  }

  #sendNews() {
    if (!this.#begun || this.#burst !== 0) return;
    while (this.#socket.write(NEWS));
  }
}
