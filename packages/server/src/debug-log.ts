import { subscribe } from "node:diagnostics_channel";
import createDebug from "debug";
import type { Diagnostics } from "./channels.js";
import { isEio3 } from "./eio3-client.js";
import { shown } from "./shown.js";
import type { Socket } from "./socket.js";

/** The name without what a client of Socket.IO 2 puts behind it, its query. */
function plain(namespace: string): string {
  return shown(namespace.split("?", 1)[0]);
}

/** The id of a socket is public, but that of a client of Socket.IO 2 is its session's. */
function named({ id, client, nsp }: Socket): string {
  return `${isEio3(client) ? "a client of version 2" : shown(id)} in ${plain(nsp.name)}`;
}

/** How much is shown of an error: its message often begins with words of ours. */
const MOST_OF_ERRORS = 300;

function why(reason: string, cause: Error | undefined): string {
  return cause ? `${shown(reason)}: ${shown(cause.message, MOST_OF_ERRORS)}` : shown(reason);
}

/** What one line says. Nothing in it is secret: no session ids, no headers, no arguments of the app. */
const LINES: { readonly [Name in keyof Diagnostics]: (told: Diagnostics[Name]) => string } = {
  "sockeye:session:open": ({ conn }) =>
    `over ${shown(conn.transport?.name)} from ${shown(conn.remoteAddress)}`,
  "sockeye:session:upgrade": ({ conn }) => `to ${shown(conn.transport?.name)}`,
  "sockeye:session:suspend": ({ reason, cause }) => why(reason, cause),
  "sockeye:session:resume": ({ conn }) => `over ${shown(conn.transport?.name)}`,
  "sockeye:session:close": ({ reason, cause }) => why(reason, cause),
  "sockeye:session:refuse": ({ code, message, context }) =>
    `${code} ${shown(message)} ${shown(context["name"] ?? "")}`,
  "sockeye:socket:connect": ({ socket }) => named(socket),
  "sockeye:socket:disconnect": ({ socket, reason }) => `${named(socket)}: ${shown(reason)}`,
  "sockeye:packet:in": ({ packet }) => `type ${packet.type} in ${plain(packet.nsp)}`,
  "sockeye:packet:out": ({ packet }) => `${packet.head.length} characters`,
  "sockeye:limit": ({ limit, error, address }) => `${limit} by ${shown(address)}: ${error.code}`,
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
