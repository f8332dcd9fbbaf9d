import { subscribe } from "node:diagnostics_channel";
import type { IncomingMessage } from "node:http";
import { shown } from "@sockeye/protocol";
import createDebug from "debug";
import type { Diagnostics } from "./channels.js";
import type { Conn } from "./conn.js";
import { isEio3 } from "./eio3-client.js";
import type { Socket } from "./socket.js";

/** The name without what a client of Socket.IO 2 puts behind it, its query. */
function plain(namespace: string): string {
  return shown(namespace.split("?", 1)[0]);
}

/** The id of a socket is public, but that of a client of Socket.IO 2 is its session's. */
function named({ id, client, nsp }: Socket): string {
  return `${isEio3(client) ? "a client of version 2" : shown(id)} in ${plain(nsp.name)}`;
}

/** A number for each connection, by which its lines can be joined. Its id is a secret. */
const numbers = new WeakMap<Conn, number>();
let last = 0;

function numbered(conn: Conn): string {
  let number = numbers.get(conn);
  if (number === undefined) {
    number = ++last;
    numbers.set(conn, number);
  }
  return `#${number}`;
}

/** Where a request came from, and where to. Its query may hold secrets, and is not shown. */
function asked({ headers, method, url = "", socket }: IncomingMessage): string {
  const page = headers.origin === undefined ? "" : `, page ${shown(headers.origin)}`;
  const [path] = url.split("?", 1);
  return `${shown(method)} ${shown(path)} from ${shown(socket?.remoteAddress)}${page}`;
}

/** How much is shown of an error: its message often begins with words of ours. */
const MOST_OF_ERRORS = 300;

function why(reason: string, cause: Error | undefined): string {
  return cause ? `${shown(reason)}: ${shown(cause.message, MOST_OF_ERRORS)}` : shown(reason);
}

/** What one line says. Nothing in it is secret: no session ids, no headers, no arguments of the app. */
const LINES: { readonly [Name in keyof Diagnostics]: (told: Diagnostics[Name]) => string } = {
  "sockeye:session:open": ({ conn }) =>
    `${numbered(conn)} over ${shown(conn.transport?.name)}: ${asked(conn.request)}`,
  "sockeye:session:upgrade": ({ conn }) => `${numbered(conn)} to ${shown(conn.transport?.name)}`,
  "sockeye:session:suspend": ({ conn, reason, cause }) => `${numbered(conn)} ${why(reason, cause)}`,
  "sockeye:session:resume": ({ conn }) => `${numbered(conn)} over ${shown(conn.transport?.name)}`,
  "sockeye:session:close": ({ conn, reason, cause }) => `${numbered(conn)} ${why(reason, cause)}`,
  "sockeye:session:refuse": ({ req, code, message, context }) =>
    `${code} ${shown(message)} ${shown(context["name"] ?? "")}: ${asked(req)}`,
  "sockeye:socket:connect": ({ socket }) => `${numbered(socket.conn)} ${named(socket)}`,
  "sockeye:socket:disconnect": ({ socket, reason }) =>
    `${numbered(socket.conn)} ${named(socket)}: ${shown(reason)}`,
  "sockeye:packet:in": ({ conn, packet }) => `${numbered(conn)} type ${packet.type} in ${plain(packet.nsp)}`,
  "sockeye:packet:out": ({ conn, packet }) => `${numbered(conn)} ${packet.head.length} characters`,
  "sockeye:limit": ({ limit, error, address, conn }) =>
    `${conn ? `${numbered(conn)} ` : ""}${limit} by ${shown(address)}: ${error.code}`,
  "sockeye:error": ({ error, context }) =>
    `${shown(context.event)} in ${plain(context.namespace)}: ${shown(error, MOST_OF_ERRORS)}`,
};

/**
 * Prints what the environment's `DEBUG` asks for, by the package `debug`: `DEBUG=sockeye:*`, or single channels. Packets are
 * told without what is in them. Called once, when the module loads; without `DEBUG` nothing is subscribed to.
 */
export function logForDebugging(): void {
  for (const name of Object.keys(LINES) as (keyof Diagnostics)[]) logChannel(name);
}

function logChannel<Name extends keyof Diagnostics>(name: Name): void {
  const print = createDebug(name);
  if (!print.enabled) return;
  const line = LINES[name];
  subscribe(name, (told) => {
    try {
      print("%s", line(told as Diagnostics[Name]));
    } catch (error) {
      // What the app threw may have a `toString` that throws.
      print("cannot be shown: %s", typeof error);
    }
  });
}
