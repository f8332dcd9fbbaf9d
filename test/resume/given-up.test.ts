// What an app gives up while its peer is away does not arrive when the peer is back.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type Socket as ClientSocket,
  io as dial,
  type ManagerOptions,
  type SocketOptions,
} from "@sockeye/client";
import { Server, type Socket } from "@sockeye/server";
import { afterEach, describe, expect, it } from "vitest";
import { once, until } from "../support/wait.js";
import { CuttingProxy } from "./cutting-proxy.js";

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Stage {
  readonly io: Server;
  readonly client: ClientSocket;
  readonly socket: Socket;
  /** Do both ends know that the transport is gone? */
  away(): Promise<void>;
  /** There is a way again. */
  open(): void;
  back(): Promise<void>;
}

type ClientOptions = Partial<ManagerOptions & SocketOptions>;

async function stage(transport: string, options: ClientOptions = {}): Promise<Stage> {
  const http = createServer();
  const io = new Server(http);
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  ends.push(async () => {
    const closed = io.close();
    http.closeAllConnections();
    await closed;
  });
  const proxy = await CuttingProxy.start((http.address() as AddressInfo).port);
  ends.push(() => proxy.stop());
  const arrived = once(io, "connection");
  const client = dial(proxy.url, { forceNew: true, transports: [transport], ...options });
  ends.push(() => client.disconnect());
  const [socket] = (await arrived) as [Socket];
  await until(() => client.connected && socket.conn.transport.writable, "both to be connected");
  let suspended = 0;
  let resumed = 0;
  client.io.engine.on("resume", () => resumed++);
  client.io.engine.on("suspend", () => suspended++);
  const away = async (): Promise<void> => {
    await client.emitWithAck("known");
    proxy.down = true;
    proxy.cut();
    await until(() => suspended > 0 && !socket.conn.transport.writable, "both to be suspended");
  };
  for (const end of [socket, client] as Socket[]) {
    end.on("known", (ack: () => void) => ack());
    end.on("kept", (ack?: () => void) => ack?.());
  }
  const open = (): void => {
    proxy.down = false;
  };
  const back = async (): Promise<void> => {
    open();
    await until(() => resumed > 0, "the session to go on");
  };
  return { io, client, socket, away, open, back };
}

const BYTES = Buffer.alloc(300, 7);

interface Row {
  readonly name: string;
  readonly from: "client" | "server";
  readonly options?: ClientOptions;
  /** Resolves when the app has given up. */
  readonly emit: (stage: Stage, ...args: unknown[]) => Promise<unknown>;
}

const calling = (emit: (ack: () => void) => unknown): Promise<void> =>
  new Promise((resolve) => void emit(() => resolve()));

const ROWS: readonly Row[] = [
  {
    name: "socket.timeout().emit()",
    from: "client",
    emit: ({ client }, ...args) => calling((ack) => client.timeout(100).emit("given", ...args, ack)),
  },
  {
    name: "socket.timeout().emitWithAck()",
    from: "client",
    emit: ({ client }, ...args) =>
      client
        .timeout(100)
        .emitWithAck("given", ...args)
        .catch(() => {}),
  },
  {
    name: "ackTimeout",
    from: "client",
    options: { ackTimeout: 100 },
    emit: ({ client }, ...args) => calling((ack) => client.emit("given", ...args, ack)),
  },
  {
    name: "retries that are used up",
    from: "client",
    options: { retries: 2, ackTimeout: 50 },
    emit: ({ client }, ...args) => calling((ack) => client.emit("given", ...args, ack)),
  },
  {
    name: "socket.volatile.emit()",
    from: "client",
    emit: async ({ client }, ...args) => client.volatile.emit("given", ...args),
  },
  {
    name: "socket.timeout().emit()",
    from: "server",
    emit: ({ socket }, ...args) => calling((ack) => socket.timeout(100).emit("given", ...args, ack)),
  },
  {
    name: "socket.timeout().emitWithAck()",
    from: "server",
    emit: ({ socket }, ...args) =>
      socket
        .timeout(100)
        .emitWithAck("given", ...args)
        .catch(() => {}),
  },
  {
    name: "io.timeout().emit()",
    from: "server",
    emit: ({ io }, ...args) => calling((ack) => io.timeout(100).emit("given", ...args, ack)),
  },
  {
    name: "io.to().timeout().emitWithAck()",
    from: "server",
    emit: ({ io, socket }, ...args) =>
      io
        .to(socket.id)
        .timeout(100)
        .emitWithAck("given", ...args)
        .catch(() => {}),
  },
  {
    name: "socket.volatile.emit()",
    from: "server",
    emit: async ({ socket }, ...args) => socket.volatile.emit("given", ...args),
  },
];

describe.each(["websocket", "polling"])("over %s", (transport) => {
  const rows = ROWS.flatMap((row) =>
    [[], [{ a: BYTES }, BYTES]].map((args) => ({ ...row, args, bytes: args.length })),
  );

  it.each(rows)(
    "$name of the $from, with $bytes arguments of bytes",
    async ({ from, options, emit, args }) => {
      const scene = await stage(transport, options);
      const { client, socket } = scene;
      const [sender, receiver] = from === "client" ? [client, socket] : [socket, client];
      const got: string[] = [];
      (receiver as Socket).onAny((event: string) => got.push(event));
      const buffered = (): number => sender.bufferedBytes;
      await scene.away();
      got.length = 0;
      const before = buffered();
      await emit(scene, ...args);
      // The callback of a broadcast may come a moment before those of its receivers.
      await until(() => buffered() === before, "the packet to be taken back");
      // With retries it would be given up as well.
      if (options?.retries) await scene.back();
      (sender as Socket).emit("kept");
      await scene.back();
      await until(() => got.includes("kept"), "what was kept");
      await (sender as Socket)
        .timeout(5000)
        .emitWithAck("known")
        .catch(() => {});
      expect(got.filter((event) => event !== "known")).toEqual(["kept"]);
    },
  );

  it("a try that was not written is not doubled by the next", async () => {
    const scene = await stage(transport, { retries: 5, ackTimeout: 200 });
    const { client, socket } = scene;
    const got: number[] = [];
    socket.on("n", (n: number, ack: () => void) => {
      got.push(n);
      ack();
    });
    await scene.away();
    const done = Promise.all([client.emitWithAck("n", 1), client.emitWithAck("n", 2)]);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await scene.back();
    await done;
    expect(got).toEqual([1, 2]);
  });

  it("an acknowledged emit that `disconnect()` has failed does not arrive", async () => {
    const scene = await stage(transport);
    const { client, socket } = scene;
    const got: string[] = [];
    socket.onAny((event: string) => got.push(event));
    const left = once(socket, "disconnect");
    await scene.away();
    got.length = 0;
    const failed = client.emitWithAck("given").catch((error: { code?: string }) => error.code);
    client.io.socket("/other").connect();
    client.disconnect();
    expect(await failed).toBe("ERR_ACK_DISCONNECTED");
    scene.open();
    await left;
    expect(got).toEqual([]);
  });
});
