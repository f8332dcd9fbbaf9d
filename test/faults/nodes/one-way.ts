// A TCP proxy between a node and its engine, of which either direction can stand still: one way cut, without a word to anybody.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** `deaf`: nothing comes from the engine. `mute`: nothing reaches it. */
export type Cut = "deaf" | "mute";

export interface OneWayProxy {
  readonly port: number;
  cut(how: Cut): void;
  /** What was held back arrives, if its connection is still there. */
  heal(): void;
  close(): void;
}

export async function oneWayProxy(upstream: number): Promise<OneWayProxy> {
  const links = new Set<Record<Cut, Socket>>();
  let held: Cut | undefined;
  const server = createServer((near) => {
    const far = connect(upstream, "127.0.0.1");
    // What one says is held back by not reading it.
    const link = { mute: near, deaf: far };
    links.add(link);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      from.on("data", (chunk) => void to.write(chunk));
      from.on("error", () => to.destroy());
      from.on("close", () => {
        to.destroy();
        links.delete(link);
      });
    }
    if (held) link[held].pause();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    port,
    cut: (how) => {
      held = how;
      for (const link of links) link[how].pause();
    },
    heal: () => {
      held = undefined;
      for (const { mute, deaf } of links) for (const socket of [mute, deaf]) socket.resume();
    },
    close: () => {
      server.close();
      for (const { mute, deaf } of links) for (const socket of [mute, deaf]) socket.destroy();
    },
  };
}
