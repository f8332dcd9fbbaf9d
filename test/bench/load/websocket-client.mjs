import { connect } from "node:net";
import { clientFrame } from "./frames.mjs";

export const WEBSOCKET_PATH = "/socket.io/?EIO=4&transport=websocket";
const CONNECT_FRAME = clientFrame("40");
const CONNECT_TIMEOUT_MS = 20_000;
/** What a browser sends with the handshake, as the page of the same server. It offers to compress; whether that is done is the server's choice. */
const BROWSER = [
  "Connection: Upgrade",
  "Pragma: no-cache",
  "Cache-Control: no-cache",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Upgrade: websocket",
  "Sec-WebSocket-Version: 13",
  "Accept-Encoding: gzip, deflate, br, zstd",
  "Accept-Language: en-US,en;q=0.9",
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
  "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
]
  .map((line) => `${line}\r\n`)
  .join("");
/** How the frames of a handshake begin: OPEN, and the answer to CONNECT. */
const EXPECTED = ["0{", "40{"];

/** All connections read into the same memory: what arrives is looked at before the next one reads. */
const INBOX = Buffer.allocUnsafe(64 * 1024);

/** The first bytes of what is counted, and of the server's counts. */
const OPEN = 0x30;
const MESSAGE = 0x34;
const NOOP = 0x36;
/** Well before a quarter of the server's bound has come. */
const COUNT_EVERY = 512;

function ignore() {}

/**
 * A WebSocket on a bare TCP socket that costs next to nothing, so that the server is what is measured. It reads frame
 * headers and leaves payloads where they are.
 */
export class WebSocketClient {
  /** The server has agreed to the upgrade. */
  onOpen = ignore;
  /** `(client, data, start, end, firstByte)` for each frame. */
  onFrame = ignore;
  /** `(client)` once all frames of a chunk have been told. */
  onChunk = ignore;
  /** `(client)` at the end, which nobody expects while the measuring goes on. */
  onEnd = ignore;
  #isOpen = false;
  #counted = false;
  /** Messages that came, if they are counted. */
  #received = 0;
  #carry = undefined;
  /** Bytes of a large frame that are still to come, and its whole length. */
  #missing = 0;
  #large = 0;

  /**
   * @param counted the session outlives its transport: the client tells now and then what it has received, as PROTOCOL.md
   * "Counted streams" has it
   */
  constructor(port, { path = WEBSOCKET_PATH, counted = false } = {}) {
    this.#counted = counted;
    this.socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: INBOX, callback: (length) => this.#read(length) },
    });
    this.socket.on("error", ignore);
    this.socket.on("close", () => this.onEnd(this));
    this.socket.write(
      `GET ${path}${counted ? "&resume=offer" : ""} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${BROWSER}` +
        `Origin: http://127.0.0.1:${port}\r\n\r\n`,
    );
  }

  write(bytes) {
    this.socket.write(bytes);
  }

  close() {
    this.onEnd = ignore;
    this.socket.destroy();
  }

  #read(length) {
    let data = INBOX.subarray(0, length);
    if (this.#carry !== undefined) {
      data = Buffer.concat([this.#carry, data]);
      this.#carry = undefined;
    }
    const read = this.#isOpen ? this.#frames(data, 0) : this.#response(data);
    if (read < data.length) this.#carry = Buffer.from(data.subarray(read));
    this.onChunk(this);
    return true;
  }

  #response(data) {
    const end = data.indexOf("\r\n\r\n");
    if (end < 0) return 0;
    const status = data.latin1Slice(9, 12);
    if (status !== "101") throw new Error(`the server answered an upgrade with status ${status}`);
    this.#isOpen = true;
    this.onOpen();
    return this.#frames(data, end + 4);
  }

  #frames(data, from) {
    let at = this.#missing === 0 ? from : this.#skip(data, from);
    while (data.length - at >= 2) {
      let length = data[at + 1];
      let start = at + 2;
      if (length === 126) {
        if (data.length - at < 4) return at;
        length = data.readUInt16BE(at + 2);
        start = at + 4;
      } else if (length === 127) {
        if (data.length - at < 10) return at;
        this.#missing = data.readUInt32BE(at + 6);
        this.#large = this.#missing;
        at = this.#skip(data, at + 10);
        continue;
      }
      const end = start + length;
      if (end > data.length) return at;
      // The server's counts are not the load's business.
      if (!this.#counted || data[start] !== NOOP) this.onFrame(this, data, start, end, data[at]);
      // Only if the server has agreed: socket.io has not.
      if (this.#counted && data[start] === OPEN) this.#counted = data.includes('"resume"', start);
      if (this.#counted && data[start] === MESSAGE && ++this.#received % COUNT_EVERY === 0)
        this.write(clientFrame(`6${this.#received}`));
      at = end;
    }
    return at;
  }

  /** A frame of 64 KiB and more is not gathered, only its length is told. */
  #skip(data, from) {
    const skipped = Math.min(this.#missing, data.length - from);
    this.#missing -= skipped;
    if (this.#missing === 0) this.onFrame(this, data, 0, this.#large, 0x81);
    return from + skipped;
  }
}

/** Opens a connection up to the answer to CONNECT. */
export function openSocket(port, options) {
  return new Promise((resolve, reject) => {
    const client = new WebSocketClient(port, options);
    const timer = setTimeout(() => reject(new Error("no CONNECT in time")), CONNECT_TIMEOUT_MS);
    client.onEnd = () => reject(new Error("the server closed a connection before CONNECT"));
    let frames = 0;
    client.onFrame = (_client, data, start, _end, first) => {
      // What is compressed is taken on trust.
      const text = first & 0x40 ? EXPECTED[frames] : data.latin1Slice(start, start + EXPECTED[frames].length);
      if (text !== EXPECTED[frames++]) reject(new Error(`a handshake with ${text}`));
      else if (frames === 1) client.write(CONNECT_FRAME);
      else {
        clearTimeout(timer);
        client.onFrame = ignore;
        client.onEnd = endedTooEarly;
        resolve(client);
      }
    };
  });
}

function endedTooEarly() {
  throw new Error("the server closed a connection in the middle of the run");
}

/** Opens many connections, `atOnce` at a time. */
export async function openSockets(port, { connections, atOnce = 50, ...options }) {
  const clients = [];
  let left = connections;
  const worker = async () => {
    while (left-- > 0) clients.push(await openSocket(port, options));
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return clients;
}
