import { connect } from "node:net";

const LENGTH = /content-length: *(\d+)/i;
const INBOX = Buffer.allocUnsafe(64 * 1024);

/** What a browser sends with each request of a page of the same server. Without Accept-Encoding: nothing is compressed here. */
const BROWSER = [
  "Connection: keep-alive",
  "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  "Accept: */*",
  "Accept-Language: en-US,en;q=0.9",
];

function ignore() {}

/** One keep-alive connection on a bare TCP socket that sends one request after the other, as a browser would. Bodies are ASCII. */
export class HttpClient {
  #socket;
  #headers;
  #carry = "";
  #onBody = ignore;

  /** @param server what it takes the server to be called, as behind a balancer */
  constructor(port, server = `127.0.0.1:${port}`) {
    this.#headers = [`Host: ${server}`, ...BROWSER, `Origin: http://${server}`, `Referer: http://${server}/`]
      .map((line) => `${line}\r\n`)
      .join("");
    this.#socket = connect({
      port,
      host: "127.0.0.1",
      noDelay: true,
      onread: { buffer: INBOX, callback: (length) => this.#read(length) },
    });
    this.#socket.on("error", ignore);
  }

  /** The bytes of a request. */
  request(method, path, body = "") {
    const length =
      method === "POST" ? `Content-Type: text/plain;charset=UTF-8\r\nContent-Length: ${body.length}\r\n` : "";
    return Buffer.from(`${method} ${path} HTTP/1.1\r\n${this.#headers}${length}\r\n${body}`, "latin1");
  }

  /** Sends a request and calls back with the body of its answer. */
  send(request, onBody) {
    this.#onBody = onBody;
    this.#socket.write(request);
  }

  /** The same as a promise. */
  ask(method, path, body) {
    return new Promise((resolve) => this.send(this.request(method, path, body), resolve));
  }

  close() {
    this.#socket.destroy();
  }

  #read(length) {
    const text = this.#carry + INBOX.latin1Slice(0, length);
    const head = text.indexOf("\r\n\r\n");
    const declared = head < 0 ? null : LENGTH.exec(text.slice(0, head));
    if (declared === null || text.length < head + 4 + Number(declared[1])) {
      this.#carry = text;
      return true;
    }
    this.#carry = "";
    if (!text.startsWith("200", 9)) throw new Error(`the server answered: ${text.slice(0, 200)}`);
    this.#onBody(text.slice(head + 4));
    return true;
  }
}
