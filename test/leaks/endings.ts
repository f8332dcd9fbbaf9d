import type { Server, ServerOptions, Socket } from "@sockeye/server";
import { until } from "./real-time.js";
import type { Visitor } from "./visitors.js";

export interface Scene {
  readonly io: Server;
  readonly visitors: readonly Visitor[];
  /** Those of the main namespace. */
  readonly sockets: readonly Socket[];
  /** Waits until each client can be told what comes next: between two polls it cannot, and its death is not noticed. */
  ready(): Promise<void>;
  /** Moves the server's time on. */
  pass(ms: number): Promise<void>;
}

/** How sessions end, and what the server is told. */
export interface Ending {
  readonly options?: Partial<ServerOptions>;
  /** How far visitors come. Default `true`: into the main namespace, and into one of their own. */
  readonly admitted?: true | "refused" | "undecided" | "not asked for";
  prepare?(io: Server): void;
  /** Once it has come to its end, nothing but the network is waited for. */
  end(scene: Scene): unknown;
  /** Of the sockets of the main namespace. */
  readonly reason?: RegExp;
  /** Peers that do nothing more are given so much time, at most. Default: nobody is waited for. */
  readonly lingersMs?: number;
  /** Does the server close? */
  readonly closes?: boolean;
}

const HEARTBEAT = { pingInterval: 5000, pingTimeout: 4000 };
const PATIENCE = { connectTimeout: 5000 };
/** A client of revision 3 that has just sent something may be silent for twice that time. */
const SILENCE_MS = 2 * (HEARTBEAT.pingInterval + HEARTBEAT.pingTimeout) + 1000;
/** What the server gives to peers that do not answer its goodbye. */
const GOODBYE_MS = 30_000;

const cut = async ({ visitors, ready }: Scene): Promise<void> => {
  await ready();
  for (const visitor of visitors) visitor.cut();
};

const freeze = ({ visitors }: Scene): void => {
  for (const visitor of visitors) visitor.freeze();
};

const tell = ({ visitors }: Scene, packet: string): void => {
  for (const visitor of visitors) visitor.send(packet);
};

const refuseAll = (io: Server): void => {
  io.use((_socket, next) => next(new Error("nobody")));
};

export const ENDINGS: Readonly<Record<string, Ending>> = {
  "the client leaves and says goodbye": {
    end: (scene) => {
      tell(scene, "41");
      for (const visitor of scene.visitors) visitor.leave();
    },
    reason: /^(client namespace disconnect|transport (close|error))$/,
  },
  "the network breaks": {
    end: cut,
    reason: /^transport (close|error)$/,
  },
  "the client falls silent": {
    options: HEARTBEAT,
    end: async (scene) => {
      freeze(scene);
      await scene.pass(SILENCE_MS);
    },
    reason: /^ping timeout$/,
    lingersMs: GOODBYE_MS,
  },
  "the client goes while events wait for it": {
    options: HEARTBEAT,
    end: async (scene) => {
      freeze(scene);
      for (const socket of scene.sockets)
        for (let n = 0; n < 50; n++) socket.emit("much", "x".repeat(10_000));
      for (const visitor of scene.visitors) visitor.cut();
      await scene.pass(SILENCE_MS);
    },
    reason: /^(transport (close|error)|ping timeout)$/,
    // Nobody comes to hear of its end.
    lingersMs: GOODBYE_MS,
  },
  "the server ends the connection": {
    end: ({ sockets }) => {
      for (const socket of sockets) socket.disconnect(true);
    },
    reason: /^server namespace disconnect$/,
  },
  "the server ends all connections": {
    end: ({ io }) => io.disconnectSockets(true),
    reason: /^server namespace disconnect$/,
  },
  "the engine ends the session": {
    end: ({ sockets }) => {
      for (const { conn } of sockets) conn.close();
    },
    reason: /^(forced close|forced server close)$/,
  },
  "the server ends it and the client does not listen": {
    end: (scene) => {
      freeze(scene);
      for (const socket of scene.sockets) socket.disconnect(true);
    },
    reason: /^server namespace disconnect$/,
    lingersMs: GOODBYE_MS,
  },
  "its time is over, and it goes": {
    end: async (scene) => {
      for (const socket of scene.sockets) socket.expireAt(Date.now() + 2000);
      await scene.pass(3000);
      await until(() => scene.visitors.every(({ heard }) => heard.includes("41")), "DISCONNECT");
      await cut(scene);
    },
    reason: /^server namespace disconnect$/,
  },
  "the client sends nonsense": {
    end: (scene) => tell(scene, "4{}"),
    reason: /^parse error$/,
  },
  "the client sends a message that is too large": {
    options: { maxHttpBufferSize: 2000 },
    end: (scene) => tell(scene, `42["${"x".repeat(2000)}"]`),
    reason: /^(transport error|parse error)$/,
  },
  "the client asks for too many namespaces, and goes": {
    options: { limits: { maxNamespacesPerConnection: 2 } },
    end: async (scene) => {
      tell(scene, "40/child-x,");
      await until(() => scene.visitors.every(({ heard }) => heard.includes("Too many")), "the refusal");
      await cut(scene);
    },
    reason: /^transport (close|error)$/,
  },
  "an attachment does not come": {
    options: HEARTBEAT,
    end: async (scene) => {
      tell(scene, '451-["bytes",{"_placeholder":true,"num":0}]');
      await scene.pass(SILENCE_MS);
    },
    reason: /^(parse error|ping timeout)$/,
    lingersMs: GOODBYE_MS,
  },
  "more waits for the client than may": {
    options: { limits: { maxOutboundBytes: 50_000 } },
    end: async (scene) => {
      freeze(scene);
      const chunk = "x".repeat(20_000);
      const some = (): void => {
        for (const socket of scene.sockets) if (socket.connected) socket.emit("much", chunk);
      };
      await until(() => {
        for (let n = 0; n < 100; n++) some();
        return scene.sockets.every((socket) => socket.disconnected);
      }, "the bound");
    },
    lingersMs: GOODBYE_MS,
  },
  "a middleware refuses, and the client goes": {
    admitted: "refused",
    prepare: refuseAll,
    end: cut,
  },
  "a middleware refuses, and the client stays": {
    options: PATIENCE,
    admitted: "refused",
    prepare: refuseAll,
    end: ({ pass }) => pass(PATIENCE.connectTimeout + 1000),
  },
  "a middleware does not decide, and the client goes": {
    admitted: "undecided",
    prepare: (io) => void io.use(() => {}),
    end: cut,
  },
  "a middleware does not decide, and the client stays": {
    options: PATIENCE,
    admitted: "undecided",
    prepare: (io) => void io.use(() => {}),
    end: ({ pass }) => pass(PATIENCE.connectTimeout + 1000),
  },
  "the client joins nothing": {
    options: PATIENCE,
    admitted: "not asked for",
    // Those of Socket.IO 2 join without asking.
    prepare: refuseAll,
    end: ({ pass }) => pass(PATIENCE.connectTimeout + 1000),
  },
  "the time for recovery has passed": {
    options: { connectionStateRecovery: { maxDisconnectionDuration: 60_000 } },
    end: async (scene) => {
      scene.io.emit("kept", 1);
      await until(() => scene.visitors.every(({ heard }) => heard.includes("kept")), "the event");
      await cut(scene);
      await until(() => scene.io.engine.clientsCount === 0, "the end of all sessions");
      await scene.pass(121_000);
    },
    reason: /^transport (close|error)$/,
  },
  "the server closes": {
    end: async ({ io, pass }) => {
      const closed = io.close();
      await pass(1000);
      await closed;
    },
    reason: /^server shutting down$/,
    closes: true,
  },
  "the server closes and drains": {
    end: async ({ io, pass }) => {
      const closed = io.close({ drain: { deadlineMs: 3000, spreadMs: 100 } });
      await pass(5000);
      await closed;
    },
    reason: /^(server shutting down|forced server close)$/,
    closes: true,
  },
};
