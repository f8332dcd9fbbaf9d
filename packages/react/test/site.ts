// What the tests of the hooks talk to.
import { once } from "node:events";
import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import { CallError, call, contract, event, stream, type } from "@sockeye/contract";
import { Server } from "@sockeye/server";

export const chat = contract({
  toServer: {
    say: event(type<string>()),
    rename: call(type<string>(), { answer: type<number>(), errors: { TAKEN: type<{ suggest: string }>() } }),
    count: stream(type<number>(), { item: type<number>(), end: type<string>() }),
  },
  toClient: { said: event(type<string>()), moved: event(type<number>()) },
});

export interface Site {
  readonly http: HttpServer;
  readonly io: Server;
  readonly url: string;
  /** What has happened, in order. */
  readonly log: string[];
  /** Who is connected, by the name in `auth`. */
  names(): string[];
  end(): Promise<unknown>;
}

export async function startSite(): Promise<Site> {
  const http = createServer();
  const io = new Server(http, { contract: chat, serveClient: false });
  const log: string[] = [];
  const nameOf = (handshake: { readonly auth: unknown }): string =>
    String((handshake.auth as { name?: string }).name);
  io.use((socket, next) => next(nameOf(socket.handshake) === "mallory" ? new Error("go away") : undefined));
  io.on("connection", (socket) => {
    socket.on("say", (text) => {
      log.push(`say ${text}`);
    });
  });
  io.handle("rename", (name) => {
    if (name === "ann") throw new CallError("TAKEN", { suggest: "anne" });
    return name.length;
  });
  const count = async function* (upTo: number, { signal }: { signal: AbortSignal }) {
    log.push(`count ${upTo}`);
    signal.addEventListener("abort", () => log.push("stopped"));
    for (let n = 1; n <= upTo; n++) yield n;
    // Whoever counts beyond a thousand waits to be stopped.
    if (upTo > 1000) await once(signal, "abort");
    return `counted ${upTo}`;
  };
  io.stream("count", count);
  io.room("doc:+", {
    keep: { count: 100 },
    presence: (socket) => nameOf(socket.handshake),
    authorize: (_socket, { room }) => room !== "doc:secret",
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  return {
    http,
    io: io as unknown as Server,
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    log,
    names: () => [...io.of("/").sockets.values()].map(({ handshake }) => nameOf(handshake)).sort(),
    end: () => io.close(),
  };
}
