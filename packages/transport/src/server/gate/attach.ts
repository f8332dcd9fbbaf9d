import { channel } from "node:diagnostics_channel";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";
import type { Duplex } from "node:stream";
import { startTimer, stopTimer } from "@sockeye/protocol";
import { ignoreErrors } from "../request/refusal.js";
import { countRequest, countUpgrade, watchConnections } from "./http-closing.js";

export interface AttachOptions {
  /** The path to take over. Requests below it, and for the path itself, are the engine's. */
  readonly path: string;
  /** Default true. Both forms of the path are always taken; this is what clients are told to use. */
  readonly addTrailingSlash?: boolean | undefined;
  /** Ends upgrade requests that nobody answers, which Node.js leaves open. Default true. */
  readonly destroyUpgrade?: boolean | undefined;
  /** Milliseconds that others have to answer them. Default 1000. */
  readonly destroyUpgradeTimeout?: number | undefined;
  readonly onRequest: (req: IncomingMessage, res: ServerResponse) => void;
  /** Left out: upgrade requests stay as they are. */
  readonly onUpgrade?: ((req: IncomingMessage, socket: Duplex, head: Buffer) => void) | undefined;
}

type RequestListener = (req: IncomingMessage, res: ServerResponse) => void;

interface Attachment {
  readonly base: string;
  readonly takesUpgrades: boolean;
}

/** What is attached to an HTTP server, in order. */
const attachments = new WeakMap<EventEmitter, Attachment[]>();

/** Our listeners, each with whether it keeps the requests for a URL from the listeners of others. */
const ours = new WeakMap<object, (url: string | undefined) => boolean>();

/**
 * May a listener of the app have seen a request before us, and still hold it? What it knows of it, by whatever key, must be found on
 * the very object then.
 */
export function isSharedWith(server: EventEmitter, req: IncomingMessage): boolean {
  // Instrumentations put themselves there.
  if (server.emit !== EventEmitter.prototype.emit || STARTED.hasSubscribers) return true;
  const event = "upgrade" in req && req.upgrade === true ? "upgrade" : "request";
  return server.listeners(event).some((listener) => ours.get(listener)?.(req.url) !== true);
}

const STARTED = channel("http.server.request.start");

/** Is this path taken from the HTTP server already? What is attached next takes its requests over. */
export function isAttached(server: EventEmitter, path: string): boolean {
  return attachments.get(server)?.some(({ base }) => base === baseOf(path)) === true;
}

/**
 * Takes the requests of one path from an http, https or http2 server; all others go to the listeners that were there
 * before. Where several are attached, a request belongs to the longest path that fits, and of several to the last. Returns the
 * function that gives everything back.
 */
export function attach(server: EventEmitter, options: AttachOptions): () => void {
  const { onRequest, onUpgrade } = options;
  const own: Attachment = { base: baseOf(options.path), takesUpgrades: onUpgrade !== undefined };
  const all = attachments.get(server) ?? [];
  attachments.set(server, all);
  all.push(own);
  watchConnections(server);
  const isOurs = (url: string | undefined): boolean => ownerOf(url, all) === own;
  const others = server.listeners("request") as RequestListener[];
  let attached = true;

  const takeRequest: RequestListener = (req, res) => {
    countRequest(server, res);
    if (attached && isOurs(req.url)) onRequest(req, res);
    else for (const listener of others) listener.call(server, req, res);
  };
  const takeUpgrade = (req: IncomingMessage, socket: Duplex, head: Buffer): void => {
    // Before anything else: a reset of a socket that nobody listens to would end the process. It stays, also for
    // sockets that other code will answer: when they begin to listen is not for us to know.
    ignoreErrors(socket);
    countUpgrade(server, socket);
    const owner = ownerOf(req.url, all);
    if (owner === own) onUpgrade?.(req, socket, head);
    else if (owner?.takesUpgrades !== true && options.destroyUpgrade !== false)
      destroyUnlessUsed(socket, options.destroyUpgradeTimeout ?? 1000);
  };

  ours.set(takeRequest, (url) => isOurs(url) || others.every((other) => ours.get(other)?.(url) === true));
  ours.set(takeUpgrade, () => true);
  server.removeAllListeners("request");
  server.on("request", takeRequest);
  if (onUpgrade !== undefined) server.on("upgrade", takeUpgrade);

  return () => {
    if (!attached) return;
    attached = false;
    all.splice(all.indexOf(own), 1);
    server.removeListener("upgrade", takeUpgrade);
    // If other code has attached after us and holds our listener, it stays and passes everything on.
    if (!server.listeners("request").includes(takeRequest)) return;
    server.removeListener("request", takeRequest);
    for (const listener of others) server.on("request", listener);
  };
}

function baseOf(path: string): string {
  return path.endsWith("/") ? path.slice(0, -1) : path;
}

function ownerOf(url: string | undefined, all: readonly Attachment[]): Attachment | undefined {
  let owner: Attachment | undefined;
  for (const each of all) {
    if (isBelow(url, each.base) && each.base.length >= (owner?.base.length ?? 0)) owner = each;
  }
  return owner;
}

/** `/path`, alone or followed by a slash or a query. */
function isBelow(url: string | undefined, base: string): boolean {
  if (url === undefined || !url.startsWith(base)) return false;
  const next = url[base.length];
  return next === undefined || next === "/" || next === "?";
}

const NOT_FOUND = "HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

function destroyUnlessUsed(socket: Duplex, timeoutMs: number): void {
  const written = bytesWritten(socket);
  const forget = (): void => stopTimer(timer);
  const timer = startTimer(() => {
    socket.removeListener("close", forget);
    // A client with the wrong path learns that much.
    if (bytesWritten(socket) === written) socket.end(NOT_FOUND, () => socket.destroy());
  }, timeoutMs);
  timer.unref();
  socket.once("close", forget);
}

/** Node passes a `net.Socket` or `TLSSocket`, both of which count. A kept-alive connection has written before. */
function bytesWritten(socket: Duplex): number {
  return (socket as Socket).bytesWritten ?? 0;
}
