import crypto from "node:crypto";
import type { Duplex } from "node:stream";
import { afterTurn } from "@sockeye/protocol";
import type { IncomingUpgrade } from "../request/incoming.js";
import { endConnection } from "../request/refusal.js";
import type { DeflateExtension } from "./deflate-extension.js";
import { isNear, LateListener } from "./late-listener.js";
import { OwnWebSocketPipe, type OwnWebSocketTerms } from "./own-websocket.js";
import { checkUpgrade, type UpgradeFault } from "./upgrade-check.js";

/** What an accepted handshake is about. */
export interface OwnHandshakeOptions {
  readonly base64: boolean;
  /** May the client listen to nothing yet but what it waits for? Then the first packets leave one by one. */
  readonly late: boolean;
  /** Asked for the app's headers of the 101 response, once it is sure that there will be one. */
  readonly headers: () => readonly (readonly [name: string, value: string])[];
}

/** Completes handshakes of WebSockets, with permessage-deflate if that is on offer at both ends. */
export class OwnHandshakes {
  readonly #terms: OwnWebSocketTerms;
  readonly #deflate: DeflateExtension | undefined;
  /** Sockets that hold their 101 response back until the end of the turn, so that the first frames leave with it. */
  #held: Duplex[] = [];

  constructor(terms: OwnWebSocketTerms, deflate?: DeflateExtension) {
    this.#terms = terms;
    this.#deflate = deflate;
  }

  /** Calls `accepted` with the open pipe, before it returns, or not at all. */
  complete(
    visit: IncomingUpgrade,
    { base64, late, headers }: OwnHandshakeOptions,
    accepted: (pipe: OwnWebSocketPipe) => void,
  ): void {
    const { req, socket, head } = visit;
    const checked = checkUpgrade(req);
    if ("status" in checked) {
      refuse(socket, checked);
      return;
    }
    const deflate = this.#deflate?.negotiate(req.headers["sec-websocket-extensions"]);
    if (deflate === "malformed") {
      refuse(socket, MALFORMED_EXTENSIONS);
      return;
    }
    if (visit.gone || OwnWebSocketPipe.has(socket)) {
      socket.destroy();
      return;
    }
    let text = `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${digestOf(checked.key)}\r\n`;
    if (checked.protocol !== undefined) text += `Sec-WebSocket-Protocol: ${checked.protocol}\r\n`;
    if (deflate !== undefined) text += `Sec-WebSocket-Extensions: ${deflate.response}\r\n`;
    for (const [name, value] of headers()) text += `${name}: ${value}\r\n`;
    if (late) {
      const listener = new LateListener(socket, isNear(visit));
      listener.apart(() => void socket.write(`${text}\r\n`, "latin1"));
      accepted(new OwnWebSocketPipe(socket, this.#terms, { head, base64, deflate, listener }));
      return;
    }
    socket.cork();
    socket.write(`${text}\r\n`, "latin1");
    accepted(new OwnWebSocketPipe(socket, this.#terms, { head, base64, deflate }));
    // After what `accepted` deferred to the end of the turn: that is where the first frames are written.
    if (this.#held.push(socket) === 1) afterTurn(this.#release);
  }

  readonly #release = (): void => {
    const held = this.#held;
    this.#held = [];
    for (const socket of held) socket.uncork();
  };
}

const MALFORMED_EXTENSIONS: UpgradeFault = {
  status: "400 Bad Request",
  message: "The Sec-WebSocket-Extensions header is malformed.",
};

/** Of every WebSocket. @see RFC 6455, section 1.3 */
const GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/** Since Node.js 20.12. It makes no object that is thrown away at once. */
const { hash }: { hash?: typeof crypto.hash } = crypto;

function digestOf(key: string): string {
  return hash === undefined
    ? crypto
        .createHash("sha1")
        .update(key + GUID)
        .digest("base64")
    : hash("sha1", key + GUID, "base64");
}

function refuse(socket: Duplex, { status, message, header }: UpgradeFault): void {
  const lines = [`HTTP/1.1 ${status}`, "Connection: close", "Content-Type: text/html"];
  if (header !== undefined) lines.push(header);
  lines.push(`Content-Length: ${message.length}`, "", message);
  endConnection(socket, lines.join("\r\n"));
}
