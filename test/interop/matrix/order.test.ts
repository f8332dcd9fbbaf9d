import type { IncomingMessage } from "node:http";
import type { Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { expect } from "vitest";
import { type Site, settled } from "../../support/servers.js";
import { matrix } from "../../support/stage.js";
import { deferred, once } from "../../support/wait.js";

const MANY = 2_000;
const upTo = (n: number): number[] => Array.from({ length: n }, (_, index) => index);

type Half = Pick<Socket, "on" | "emit"> | Pick<ClientSocket, "on" | "emit">;

/** Records the numbers that arrive, text and binary alike, and resolves at the last one. */
function record(half: Half, event: string): { readonly numbers: number[]; readonly ended: Promise<unknown> } {
  const numbers: number[] = [];
  const end = deferred<void>(`the last ${event}`, 15_000);
  half.on(event, (value: number | { n: number; data: Buffer } | "end") => {
    if (value === "end") end.resolve();
    else numbers.push(typeof value === "number" ? value : value.n);
  });
  return { numbers, ended: end.promise };
}

function send(half: Half, event: string, n: number): void {
  half.emit(event, n % 7 === 3 ? { n, data: Buffer.from([n & 255]) } : n);
}

matrix("order", (behaves) => {
  behaves(`of ${MANY} messages each way at once`, async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const up = record(socket, "up");
    const down = record(client, "down");
    for (const n of upTo(MANY)) {
      send(client, "up", n);
      send(socket, "down", n);
    }
    client.emit("up", "end");
    socket.emit("down", "end");
    await Promise.all([up.ended, down.ended]);
    expect(up.numbers).toEqual(upTo(MANY));
    expect(down.numbers).toEqual(upTo(MANY));
  });

  behaves("of messages and acknowledgements", async (stage) => {
    const site = await stage.serve();
    const { client, socket } = await stage.connect(site);
    const heard: unknown[] = [];
    socket.on("q", (n: number, answer: (n: number) => void) => {
      socket.emit("event", n);
      answer(n);
    });
    client.on("event", (n: number) => heard.push(`event ${n}`));
    const last = deferred<void>("the last answer");
    for (const n of upTo(200)) {
      client.emit("q", n, () => {
        heard.push(`answer ${n}`);
        if (n === 199) last.resolve();
      });
    }
    await last.promise;
    expect(heard).toEqual(upTo(200).flatMap((n) => [`event ${n}`, `answer ${n}`]));
  });
});

/** Lets upgrade requests wait a little, so that both ends talk over the first transport before, however quick they are. */
function holdUpgrades(site: Site): void {
  site.io.engine.use((req: IncomingMessage, _res: unknown, next: () => void) => {
    if (req.headers.upgrade === undefined) next();
    else setTimeout(next, 25);
  });
}

matrix(
  "order across the upgrade",
  (behaves, row) => {
    behaves("is kept both ways, and nothing is lost", async (stage) => {
      const site = await stage.serve();
      holdUpgrades(site);
      const connected = deferred<Socket>("the connection");
      site.io.on("connection", (socket) => connected.resolve(socket));
      const client = await stage.dial(site);
      const down = record(client, "down");
      const opened = once(client, "connect");
      const socket = await connected.promise;
      const up = record(socket, "up");
      await opened;
      const names = new Set<string>([socket.conn.transport.name]);
      let n = 0;
      let rest = 200;
      // Both ends talk at every turn of the event loop, from before the probe until well after the upgrade.
      await new Promise<void>((resolve) => {
        const talk = (): void => {
          names.add(socket.conn.transport.name);
          send(client, "up", n);
          send(socket, "down", n);
          n += 1;
          if (socket.conn.transport.name === "websocket") rest -= 1;
          if (rest > 0) setImmediate(talk);
          else resolve();
        };
        talk();
      });
      client.emit("up", "end");
      socket.emit("down", "end");
      await Promise.all([up.ended, down.ended, settled(socket, row.way)]);
      expect([...names]).toEqual(["polling", "websocket"]);
      expect(up.numbers).toEqual(upTo(n));
      expect(down.numbers).toEqual(upTo(n));
    });

    behaves("holds for acknowledgements under way", async (stage) => {
      const site = await stage.serve();
      holdUpgrades(site);
      site.io.on("connection", (socket) =>
        socket.on("q", (n: number, answer: (n: number) => void) => answer(n)),
      );
      const client = await stage.dial(site);
      await once(client, "connect");
      const answers: Promise<unknown>[] = [];
      const upgraded = stage.both(site, client);
      let going = true;
      upgraded.finally(() => {
        going = false;
      });
      let n = 0;
      while (going) {
        const asked = n;
        answers.push(new Promise((resolve) => client.emit("q", asked, resolve)));
        n += 1;
        await new Promise((resolve) => setImmediate(resolve));
      }
      await upgraded;
      expect(await Promise.all(answers)).toEqual(upTo(n));
    });

    behaves("ends on polling where upgrades are not allowed", async (stage) => {
      const site = await stage.serve({ allowUpgrades: false });
      const client = await stage.dial(site);
      await once(client, "connect");
      const socket = site.io.sockets.sockets.get(client.id ?? "");
      for (let n = 0; n < 3; n++) {
        const heard = once(client, "e");
        socket?.emit("e", n);
        expect(await heard).toEqual([n]);
      }
      expect(socket?.conn.transport.name).toBe("polling");
      expect(client.io.engine.transport.name).toBe("polling");
    });
  },
  (row) => row.way === "polling, then websocket",
);
