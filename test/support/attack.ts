import type { IncomingMessage, ServerResponse } from "node:http";
import type { Server, ServerOptions, Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { afterAll, beforeAll, expect, it } from "vitest";
import { usedBytes } from "./memory.js";
import {
  joinByPolling,
  joinMain,
  Line,
  openPoller,
  openWire,
  type Poller,
  requestBytes,
  type Wire,
} from "./rawsocket.js";
import { loadClient, optionsFor, type ServerName, type Site, serverHalf, startSite } from "./servers.js";
import { turn, until, within } from "./wait.js";

// An attack is one test: a server, a client that behaves well, and a peer that does not. After every attack the process
// has seen no error, every HTTP request has had its end, and the good client goes on as before. After all of a file memory is back.

/** Whom the attacks are tried on. To see what Socket.IO does with them: SECURITY_SUBJECT="socket.io 4". */
export const SUBJECT: ServerName =
  process.env["SECURITY_SUBJECT"] === "socket.io 4" ? "socket.io 4" : "sockeye";

/** What may stay of all attacks of a file: their code and the reports about them are some 10 MB. */
const MEMORY_LEFT = 40e6;

let memoryBefore = 0;
beforeAll(async () => {
  memoryBefore = await usedBytes();
});
afterAll(async () => {
  if (SUBJECT === "sockeye")
    expect((await usedBytes()) - memoryBefore, "bytes that stay").toBeLessThan(MEMORY_LEFT);
});

export interface Scene {
  readonly site: Site;
  readonly io: Server;
  readonly port: number;
  /** What handlers on the server heard, as `[event, ...args]`; not of the good client. */
  readonly heard: unknown[][];
  /** Why server-side sockets went, in order. */
  readonly gone: string[];
  readonly bystander: ClientSocket;
  /** A raw TCP connection. */
  readonly line: () => Line;
  /** A raw WebSocket, nothing read yet. */
  readonly wire: (query?: string, headers?: Record<string, string>) => Promise<Wire>;
  /** A raw WebSocket that has joined the main namespace, and its server-side socket. */
  readonly join: () => Promise<{ readonly wire: Wire; readonly socket: Socket }>;
  readonly poller: () => Promise<Poller>;
  readonly joinByPolling: () => Promise<{ readonly poller: Poller; readonly socket: Socket }>;
  /** An acknowledgement round trip of the good client. */
  readonly roundTrip: () => Promise<void>;
}

type Options = Partial<ServerOptions> & {
  readonly limits?: Record<string, number>;
  readonly origins?: string;
};

/** Registers one attack as a test. */
export function attack(name: string, play: (scene: Scene) => Promise<void>, options: Options = {}): void {
  it(name, () => perform(play, options));
}

async function perform(play: (scene: Scene) => Promise<void>, options: Options): Promise<void> {
  const guard = new ProcessGuard();
  const scene = await OpenScene.open(options);
  try {
    await play(scene);
    await scene.roundTrip();
    await scene.requestsHaveEnded();
    await turn();
    expect(guard.errors, "errors that nobody caught").toEqual([]);
  } finally {
    guard.end();
    await scene.close();
  }
}

/** Writes down what would have ended the process. */
class ProcessGuard {
  readonly errors: unknown[] = [];
  readonly #note = (error: unknown): void => {
    this.errors.push(error);
  };

  constructor() {
    process.on("uncaughtException", this.#note);
    process.on("unhandledRejection", this.#note);
  }

  end(): void {
    process.off("uncaughtException", this.#note);
    process.off("unhandledRejection", this.#note);
  }
}

class OpenScene implements Scene {
  readonly heard: unknown[][] = [];
  readonly gone: string[] = [];
  readonly #ends: { end(): void }[] = [];
  readonly #pending: Map<ServerResponse, string>;

  private constructor(
    readonly site: Site,
    readonly bystander: ClientSocket,
    pending: Map<ServerResponse, string>,
  ) {
    this.#pending = pending;
    site.io.on("connection", (socket) => {
      socket.onAny((...args) => this.heard.push(args));
      socket.on("disconnect", (reason) => this.gone.push(reason));
    });
  }

  static async open(options: Options): Promise<OpenScene> {
    const site = await startSite(SUBJECT, options);
    const pending = new Map<ServerResponse, string>();
    site.http.prependListener("request", (req: IncomingMessage, res: ServerResponse) => {
      pending.set(res, `${req.method} ${req.url}`);
      // Emitted when the response is complete, and when its connection is gone.
      res.once("close", () => pending.delete(res));
    });
    site.io.on("connection", (socket) =>
      socket.on("echo", (n: number, answer?: (n: number) => void) => answer?.(n)),
    );
    const { io } = await loadClient("socket.io-client 4");
    const way = options.transports?.includes("websocket" as never) === false ? "polling" : "websocket";
    const bystander = io(site.url, {
      ...optionsFor(way),
      ...(options.path === undefined ? {} : { path: options.path }),
      extraHeaders: { "x-bystander": "1" },
      reconnection: false,
    });
    await within(
      new Promise<void>((resolve) => bystander.on("connect", resolve)),
      "the good client to connect",
    );
    return new OpenScene(site, bystander, pending);
  }

  get io(): Server {
    return this.site.io;
  }

  get port(): number {
    return this.site.port;
  }

  // Attacks take these out of the scene, so they know it themselves.

  readonly line = (): Line => this.#keep(new Line(this.port));

  readonly wire = async (query?: string, headers: Record<string, string> = {}): Promise<Wire> =>
    this.#keep(await openWire(this.port, query, { headers }));

  readonly join = async (): Promise<{ wire: Wire; socket: Socket }> => {
    const { wire, sid } = await joinMain(this.port);
    this.#keep(wire);
    return { wire, socket: await serverHalf(this.site, { id: sid } as ClientSocket) };
  };

  readonly poller = (): Promise<Poller> => openPoller(this.port);

  readonly joinByPolling = async (): Promise<{ poller: Poller; socket: Socket }> => {
    const { poller, sid } = await joinByPolling(this.port);
    return { poller, socket: await serverHalf(this.site, { id: sid } as ClientSocket) };
  };

  readonly roundTrip = async (): Promise<void> => {
    const answer = new Promise<number>((resolve) => this.bystander.emit("echo", 7, resolve));
    expect(await within(answer, "the good client's round trip", 5_000)).toBe(7);
  };

  /** No request waits for an answer any more. An attack that leaves a poll waiting must end it. */
  async requestsHaveEnded(): Promise<void> {
    const waiting = (): string[] =>
      [...this.#pending].filter(([res]) => !res.writableEnded).map(([, name]) => name);
    if (this.bystander.io.engine.transport.name === "polling") return;
    await until(() => waiting().length === 0, "all requests to be answered", 5_000).catch(() => {
      expect(waiting(), "requests without an answer").toEqual([]);
    });
  }

  async close(): Promise<void> {
    this.bystander.disconnect();
    for (const end of this.#ends) end.end();
    await this.site.end();
  }

  #keep<T extends { end(): void }>(peer: T): T {
    this.#ends.push(peer);
    return peer;
  }
}

/** The bytes of an upgrade request. */
export function upgradeBytes(
  query: string,
  headers: Readonly<Record<string, string>> = {},
  method = "GET",
): Buffer {
  return requestBytes({
    method,
    target: `/socket.io/?${query}`,
    headers: {
      Connection: "Upgrade",
      Upgrade: "websocket",
      "Sec-WebSocket-Version": "13",
      "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
      // One that may be far away is not asked for a pong, which this one would not give.
      Via: "1.1 test",
      ...headers,
    },
  });
}

/** How long something took, in ms. */
export async function timed(act: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await act();
  return performance.now() - start;
}
