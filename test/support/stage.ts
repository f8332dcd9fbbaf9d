import { EventSource } from "eventsource";
import type { ServerOptions, Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe, it } from "vitest";
import { NOT_IN_VERSION_2 } from "../interop/version-2.js";
import {
  type ClientName,
  type ClientOptions,
  loadClient,
  OWN_WAYS,
  optionsFor,
  type ServerName,
  type Site,
  serverHalf,
  settled,
  startSite,
  WAYS,
  type Way,
} from "./servers.js";
import { once } from "./wait.js";

// One table of who talks to whom and over what. Every suite of behaviour runs on each of its rows.

// For clients over `sse`: Node.js has none.
Object.assign(globalThis, { EventSource });

export interface Pairing {
  readonly title: string;
  readonly client: ClientName;
  readonly server: ServerName;
}

const OURS: readonly Pairing[] = [
  { title: "socket.io-client 4 → sockeye", client: "socket.io-client 4", server: "sockeye" },
  { title: "socket.io-client 3 → sockeye", client: "socket.io-client 3", server: "sockeye" },
  { title: "socket.io-client 2 → sockeye", client: "socket.io-client 2", server: "sockeye" },
  { title: "sockeye → socket.io 4", client: "sockeye", server: "socket.io 4" },
  { title: "sockeye → sockeye", client: "sockeye", server: "sockeye" },
];

/** They prove that the expectations are Socket.IO's and not ours. */
const CONTROLS: readonly Pairing[] = [
  { title: "socket.io-client 4 → socket.io 4", client: "socket.io-client 4", server: "socket.io 4" },
  { title: "socket.io-client 3 → socket.io 4", client: "socket.io-client 3", server: "socket.io 4" },
  { title: "socket.io-client 2 → socket.io 4", client: "socket.io-client 2", server: "socket.io 4" },
];

// scripts/test.mjs leaves the controls out if they passed with the same packages and the same matrix.
export const PAIRINGS: readonly Pairing[] = process.env["SKIP_CONTROLS"] ? OURS : [...OURS, ...CONTROLS];

/** What a client's API lacks. A behaviour that needs it is not asked of that client. */
export type Feature =
  | "timeout" // socket.timeout(), 4.4
  | "emitWithAck" // 4.6
  | "onAnyOutgoing" // 4.5
  | "retries" // 4.6
  | "recovery" // 4.6
  | "active" // 4.0
  | "ping event" // on the manager; documented in 3 as well, yet version 3 never emits it
  | "disconnect details"; // second argument of `disconnect`, 4.5

const ALL: readonly Feature[] = [
  "timeout",
  "emitWithAck",
  "onAnyOutgoing",
  "retries",
  "recovery",
  "active",
  "ping event",
  "disconnect details",
];

const FEATURES: Readonly<Record<ClientName, readonly Feature[]>> = {
  sockeye: ALL,
  "socket.io-client 4": ALL,
  "socket.io-client 3": [],
  "socket.io-client 2": [],
};

export interface Row extends Pairing {
  readonly way: Way;
}

/** What one test plays with. Whatever it opens is closed after the test. */
export interface Stage {
  readonly row: Row;
  serve(options?: Partial<ServerOptions>, port?: number): Promise<Site>;
  /** Dials; does not wait. `where` is a path with the namespace. */
  dial(site: Site, options?: ClientOptions, where?: string): Promise<ClientSocket>;
  /** Dials and waits until both halves are there and the transport is the row's last one. */
  connect(site: Site, options?: ClientOptions, where?: string): Promise<Both>;
  /** Both halves of a client that was dialled. */
  both(site: Site, client: ClientSocket): Promise<Both>;
  /** Something to run at the end. */
  defer(end: () => unknown): void;
}

export interface Both {
  readonly client: ClientSocket;
  readonly socket: Socket;
}

type Play = (stage: Stage) => Promise<void>;

interface Register {
  (name: string, play: Play): void;
  (name: string, needs: Feature | readonly Feature[], play: Play): void;
}

type Suite = (behaves: Register, row: Row) => void;

/**
 * Runs a suite on every row of the matrix; `only` leaves rows out that have nothing to say about it. The behaviours of a row run side by side:
 * they mostly wait.
 */
export function matrix(title: string, suite: Suite, only?: (row: Row) => boolean): void {
  rowsOf(title, suite, it.concurrent, only);
}

/** A suite with short deadlines: its behaviours run one after the other. */
export function timedMatrix(title: string, suite: Suite): void {
  rowsOf(title, suite, it);
}

function rowsOf(
  title: string,
  suite: Suite,
  register: typeof it | typeof it.concurrent,
  only: (row: Row) => boolean = () => true,
): void {
  describe(title, () => {
    for (const pairing of PAIRINGS) {
      const isOwn = pairing.client === "sockeye" && pairing.server === "sockeye";
      for (const way of isOwn ? [...WAYS, ...OWN_WAYS] : WAYS) {
        const row: Row = { ...pairing, way };
        if (!only(row)) continue;
        const plays = new Map<string, Play>();
        suite(registerFor(row, plays), row);
        // What a client does not have is not tested with it, and a suite of nothing would fail.
        if (plays.size === 0) continue;
        describe.concurrent(`${pairing.title}, ${way}`, () => {
          for (const [name, play] of plays) register(name, () => perform(row, play));
        });
      }
    }
  });
}

function registerFor(row: Row, plays: Map<string, Play>): Register {
  return (name: string, needsOrPlay: Feature | readonly Feature[] | Play, maybePlay?: Play): void => {
    const play = typeof needsOrPlay === "function" ? needsOrPlay : maybePlay;
    const needs = typeof needsOrPlay === "function" ? [] : [needsOrPlay].flat();
    if (play === undefined) throw new Error(`"${name}" has nothing to play`);
    if (!needs.every((feature) => FEATURES[row.client].includes(feature))) return;
    if (row.client === "socket.io-client 2" && NOT_IN_VERSION_2.has(name)) return;
    if (plays.has(name)) throw new Error(`"${name}" is there twice`);
    plays.set(name, play);
  };
}

async function perform(row: Row, play: Play): Promise<void> {
  const stage = new OpenStage(row);
  try {
    await play(stage);
  } finally {
    await stage.clear();
  }
}

class OpenStage implements Stage {
  readonly #sites: Site[] = [];
  readonly #clients: ClientSocket[] = [];
  readonly #ends: (() => unknown)[] = [];

  constructor(readonly row: Row) {}

  async serve(options?: Partial<ServerOptions>, port?: number): Promise<Site> {
    const allowEIO3 = this.row.client === "socket.io-client 2";
    const site = await startSite(this.row.server, { allowEIO3, ...options }, port);
    this.#sites.push(site);
    return site;
  }

  async dial(site: Site, options: ClientOptions = {}, where = ""): Promise<ClientSocket> {
    const { io } = await loadClient(this.row.client);
    const client = io(site.url + where, { ...optionsFor(this.row.way), ...options });
    this.#clients.push(client);
    return client;
  }

  async connect(site: Site, options?: ClientOptions, where?: string): Promise<Both> {
    const client = await this.dial(site, options, where);
    return this.both(site, client);
  }

  async both(site: Site, client: ClientSocket): Promise<Both> {
    if (!client.connected) await once(client, "connect");
    // The namespace's name is not part of the public API of a client's socket, yet everybody reads it.
    const { nsp } = client as unknown as { readonly nsp: string };
    const socket = await serverHalf(site, client, nsp);
    await settled(socket, this.row.way);
    return { client, socket };
  }

  defer(end: () => unknown): void {
    this.#ends.push(end);
  }

  async clear(): Promise<void> {
    for (const client of this.#clients) {
      client.io.reconnection(false);
      client.disconnect();
    }
    for (const end of this.#ends) await end();
    await Promise.all(this.#sites.map((site) => site.end()));
  }
}
