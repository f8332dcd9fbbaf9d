import type { Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterEach, describe, expect, it } from "vitest";
import { joinMain, type Wire } from "../support/rawsocket.js";
import {
  type ClientName,
  type ClientOptions,
  loadClient,
  optionsFor,
  type ServerName,
  type Site,
  serverHalf,
  startSite,
} from "../support/servers.js";
import { once, turn } from "../support/wait.js";

// How the rows of docs/differences.md are tested: the same act on both, with the two outcomes.

/** What ends with the test. */
export const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

export type Options = Parameters<typeof startSite>[1];

export async function serve(server: ServerName, options?: Options): Promise<Site> {
  const site = await startSite(server, options);
  ends.push(() => site.end());
  return site;
}

export async function dial(
  site: Site,
  name: ClientName = "socket.io-client 4",
  options: ClientOptions = {},
): Promise<ClientSocket> {
  const { io } = await loadClient(name);
  const client = io(site.url, { ...optionsFor("websocket"), ...options });
  ends.push(() => client.disconnect());
  return client;
}

export interface Pair {
  readonly site: Site;
  readonly client: ClientSocket;
  readonly socket: Socket;
}

export async function pair(
  server: ServerName,
  name?: ClientName,
  options?: ClientOptions,
  serverOptions?: Options,
): Promise<Pair> {
  const site = await serve(server, serverOptions);
  const client = await dial(site, name, options);
  await once(client, "connect");
  return { site, client, socket: await serverHalf(site, client) };
}

export async function raw(site: Site): Promise<{ wire: Wire; socket: Socket }> {
  const { wire, sid } = await joinMain(site.port);
  ends.push(() => wire.end());
  return { wire, socket: await serverHalf(site, { id: sid } as ClientSocket) };
}

/** What became of a promise after the event loop has turned a few times. */
export async function stateOf(promise: Promise<unknown>): Promise<string> {
  let state = "pending";
  promise.then(
    () => {
      state = "resolved";
    },
    () => {
      state = "rejected";
    },
  );
  for (let n = 0; n < 10; n++) await turn();
  return state;
}

/** What a function throws. */
export function thrown(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** One row: the same act on both, with the two outcomes. */
export function differs<T>(
  what: string,
  outcomes: { stock: T; sockeye: T },
  act: (server: ServerName) => Promise<T>,
): void {
  describe(what, () => {
    it("socket.io 4", async () => expect(await act("socket.io 4")).toEqual(outcomes.stock));
    it("sockeye", async () => expect(await act("sockeye")).toEqual(outcomes.sockeye));
  });
}

/** The same for clients, on a Socket.IO server. */
export function clientsDiffer<T>(
  what: string,
  outcomes: { stock: T; sockeye: T },
  act: (client: ClientName) => Promise<T>,
): void {
  describe(what, () => {
    it("socket.io-client 4", async () => expect(await act("socket.io-client 4")).toEqual(outcomes.stock));
    it("sockeye client", async () => expect(await act("sockeye")).toEqual(outcomes.sockeye));
  });
}
