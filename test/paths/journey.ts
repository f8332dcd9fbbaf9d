import { io, type Options } from "@sockeye/client";
import type { Site } from "../support/servers.js";
import { until, within } from "../support/wait.js";

/** What became of one client on one path. */
export interface Journey {
  /** Milliseconds from dialling to the first `connect` event. */
  readonly connectedMs: number;
  /** Over which transport it was then, and at the end. */
  readonly transports: readonly string[];
  /** How often a transport was lost in between, and the session went on over another one. */
  readonly resumed: number;
  /** How often the app saw a `disconnect`. */
  readonly interruptions: number;
  /** Numbers that the server got for the first time, and those that the client got, in order. */
  readonly up: readonly number[];
  readonly down: readonly number[];
}

/** Events each way before, and again after, the time of quiet. The server's have 1 KB each. */
export const EVENTS = { up: 5, down: 40 } as const;
const PADDING = "x".repeat(1000);

/** Long enough for the worst path, short enough that a client that hangs is found out. */
const PATIENCE_MS = 40_000;

/**
 * Connects and exchanges numbered events, in two parts with a time of quiet between them. The client sends with `retries`, and the
 * site has connection state recovery; so nothing may be lost, however often the path breaks.
 */
export async function travel(site: Site, port: number, options: Options, quietMs: number): Promise<Journey> {
  const up: number[] = [];
  const down: number[] = [];
  site.io.on("connection", (socket) => {
    socket.on("up", (n: number, answer: () => void) => {
      if (!up.includes(n)) up.push(n);
      answer();
    });
  });
  const begun = performance.now();
  const client = io(`http://127.0.0.1:${port}`, {
    forceNew: true,
    retries: 20,
    ackTimeout: 4000,
    reconnectionDelay: 100,
    reconnectionDelayMax: 500,
    ...options,
  });
  let resumed = 0;
  let interruptions = 0;
  client.on("disconnect", () => {
    interruptions += 1;
  });
  client.on("down", (n: number) => down.push(n));
  const transport = (): string => client.io.engine?.transport?.name ?? "none";
  const first = new Promise<Pick<Journey, "connectedMs"> & { over: string }>((resolve) =>
    client.once("connect", () => resolve({ connectedMs: performance.now() - begun, over: transport() })),
  );
  try {
    const { connectedMs, over } = await within(first, "the client to connect", PATIENCE_MS);
    client.io.engine.on("resume", () => {
      resumed += 1;
    });
    for (let part = 1; part <= 2; part++) {
      for (let n = up.length; n < part * EVENTS.up; n++) client.emit("up", n);
      for (let n = (part - 1) * EVENTS.down; n < part * EVENTS.down; n++) {
        site.io.emit("down", n, PADDING);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      const all = (): boolean => up.length >= part * EVENTS.up && down.length >= part * EVENTS.down;
      await until(all, `part ${part} of the events`, PATIENCE_MS);
      if (part === 1) await new Promise((resolve) => setTimeout(resolve, quietMs));
    }
    return { connectedMs, transports: [over, transport()], resumed, interruptions, up, down };
  } finally {
    client.disconnect();
  }
}
