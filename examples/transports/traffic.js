// @ts-check
// What each connection of the page costs on the wire. Browsers tell a page nothing about its WebSockets, and of a response
// that streams nothing before its end, so the server counts: heads, frames and all, as they leave and enter its sockets.

/** @typedef {{ requests: number, up: number, down: number }} Totals Bytes; `up` from the page, `down` to it. */
/** @typedef {Totals & { readonly sockets: Set<import("node:net").Socket> }} Account */
/** @typedef {{ account: Account | undefined, read: number, written: number }} Reading What is booked so far. */

/** How many accounts are kept; the oldest are forgotten. */
const KEPT_ACCOUNTS = 1000;

export class Traffic {
  /** @type {Map<string, Account>} By the `card` in the address of each request. */
  #accounts = new Map();
  /** @type {WeakMap<import("node:net").Socket, Reading>} */
  #readings = new WeakMap();

  /** @param {import("node:http").Server} http */
  constructor(http) {
    http.on("request", (req, res) => {
      this.#begin(req);
      res.once("close", () => this.#end(req.socket));
    });
    http.on("upgrade", (req) => {
      this.#begin(req);
      req.socket.once("close", () => this.#end(req.socket));
    });
  }

  /**
   * @param {unknown} card
   * @returns {Totals}
   */
  totals(card) {
    const account = this.#accounts.get(String(card));
    if (account === undefined) return { requests: 0, up: 0, down: 0 };
    for (const socket of account.sockets) this.#book(socket);
    const { requests, up, down } = account;
    return { requests, up, down };
  }

  /**
   * A TCP socket serves one request after the other. What enters and leaves it from here on is this one's, and so is its head, which
   * has been read but not been booked.
   *
   * @param {import("node:http").IncomingMessage} req
   */
  #begin({ url = "", socket }) {
    const account = this.#accountOf(url);
    const { read, written } = this.#readings.get(socket) ?? { read: 0, written: 0 };
    this.#readings.set(socket, { account, read, written });
    if (account === undefined) return;
    account.requests += 1;
    account.sockets.add(socket);
  }

  /** @param {import("node:net").Socket} socket */
  #end(socket) {
    this.#book(socket);
    this.#readings.get(socket)?.account?.sockets.delete(socket);
  }

  /** @param {import("node:net").Socket} socket */
  #book(socket) {
    const reading = this.#readings.get(socket);
    if (reading === undefined) return;
    const { bytesRead, bytesWritten } = socket;
    if (reading.account !== undefined) {
      reading.account.up += bytesRead - reading.read;
      reading.account.down += bytesWritten - reading.written;
    }
    reading.read = bytesRead;
    reading.written = bytesWritten;
  }

  /**
   * @param {string} url
   * @returns {Account | undefined}
   */
  #accountOf(url) {
    const card = /[?&]card=([a-z0-9]{1,20})(&|$)/.exec(url)?.[1];
    if (card === undefined) return undefined;
    const known = this.#accounts.get(card);
    if (known !== undefined) return known;
    const account = { requests: 0, up: 0, down: 0, sockets: new Set() };
    this.#accounts.set(card, account);
    const [oldest] = this.#accounts.keys();
    if (this.#accounts.size > KEPT_ACCOUNTS && oldest !== undefined) this.#accounts.delete(oldest);
    return account;
  }
}
