import { webTransportPair } from "@sockeye/conformance";
import type { Server, Socket } from "socket.io";
import type { Socket as ClientSocket } from "socket.io-client";
import { describe, expect } from "vitest";
import { http, joinByPolling, openPoller, openSession, openWire } from "../support/rawsocket.js";
import { pullThePlug, type ServerName, serverHalf, startSite } from "../support/servers.js";
import { once, turn, until, within } from "../support/wait.js";
import {
  clientsDiffer,
  dial,
  differs,
  ends,
  type Options,
  pair,
  raw,
  serve,
  stateOf,
  thrown,
} from "./differ.js";

// docs/differences.md, row by row: what Socket.IO does, and what Sockeye does instead. Each expectation is tested on its
// own implementation, so that a row whose left side has become untrue shows as well. Rows that the matrix meets anyway
// stand in differences.ts; limits, the process and the Node client's HTTP have files of their own. test/parity/shown.ts says
// which test shows which row.

const nested = (levels: number): unknown => {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = [value];
  return value;
};

describe("the server", () => {
  differs(
    "a flag that no emit has used is there at the next",
    { stock: [null, 7], sockeye: [7] },
    async (server) => {
      const { client, socket } = await pair(server);
      client.on("q", (answer: (n: number) => void) => answer(7));
      socket.timeout(4_000);
      return new Promise<unknown[]>((resolve) => socket.emit("q", (...args: unknown[]) => resolve(args)));
    },
  );

  differs("a BigInt", { stock: undefined, sockeye: "ERR_UNENCODABLE" }, async (server) => {
    const { socket } = await pair(server);
    const error = thrown(() => socket.emit("e", 1n)) as Error & { code?: string };
    expect(error).toBeInstanceOf(Error);
    return error.code;
  });

  differs("101 levels", { stock: "sent", sockeye: "ERR_UNENCODABLE" }, async (server) => {
    const { client, socket } = await pair(server);
    const heard = once(client, "e");
    const error = thrown(() => socket.emit("e", nested(101))) as { code: string } | undefined;
    if (error !== undefined) {
      socket.emit("e");
      await heard;
      return error.code;
    }
    await heard;
    return "sent";
  });

  differs(
    "something like a placeholder beside bytes",
    { stock: "taken for bytes", sockeye: "ERR_UNENCODABLE" },
    async (server) => {
      const { client, socket } = await pair(server);
      const heard = once(client, "e");
      const error = thrown(() => socket.emit("e", Buffer.from([1]), { _placeholder: true, num: 0 })) as
        | { code: string }
        | undefined;
      if (error !== undefined) {
        socket.emit("e");
        await heard;
        return error.code;
      }
      const [, fake] = await heard;
      return Buffer.isBuffer(fake) ? "taken for bytes" : "kept";
    },
  );

  differs(
    "a listener for newListener, and then another",
    { stock: "throws", sockeye: "is not called" },
    async (server) => {
      const { socket } = await pair(server);
      let result = "is not called";
      const nsp = socket.nsp as unknown as NodeJS.EventEmitter;
      nsp.on("newListener", () => {
        result = "is called";
      });
      return thrown(() => nsp.on("e", () => {})) === undefined ? result : "throws";
    },
  );

  differs(
    "emitWithAck after the client has left",
    { stock: "pending", sockeye: "rejected" },
    async (server) => {
      const { client, socket } = await pair(server);
      const gone = once(socket, "disconnect");
      client.disconnect();
      await gone;
      return stateOf(socket.emitWithAck("q"));
    },
  );

  differs(
    "io.emitWithAck and namespace.emitWithAck",
    { stock: ["undefined", "undefined"], sockeye: ["function", "function"] },
    async (server) => {
      const { io } = await serve(server);
      return [io, io.of("/")].map((each) => typeof (each as unknown as { emitWithAck: unknown }).emitWithAck);
    },
  );

  differs<unknown>(
    "a broadcast with a callback and without a timeout",
    { stock: "operation has timed out", sockeye: [null, [7]] },
    async (server) => {
      const { client, site } = await pair(server);
      client.on("q", (answer: (n: number) => void) => setTimeout(answer, 30, 7));
      const [error, answers] = await new Promise<[Error | null, unknown]>((resolve) => {
        (site.io as Server).emit("q", (...args: [Error | null, unknown]) => resolve(args));
      });
      return error === null ? [error, answers] : error.message;
    },
  );

  differs(
    "serverSideEmit with a callback, on one server",
    { stock: "pending", sockeye: "resolved" },
    async (server) => {
      const { io } = await serve(server);
      const warn = console.warn;
      console.warn = () => {};
      ends.push(() => {
        console.warn = warn;
      });
      return stateOf(new Promise((resolve) => io.serverSideEmit("q", resolve)));
    },
  );

  differs("a middleware that takes no `next`", { stock: "waits", sockeye: "connected" }, async (server) => {
    const site = await serve(server);
    site.io.of("/one").use((async (_socket: Socket) => {}) as never);
    const { wire } = await openSession(site.port);
    ends.push(() => wire.end());
    // What is answered at once shows how far the server has come.
    wire.send("40/one,", "40/nowhere,");
    const answers = [String(await wire.next())];
    wire.send("40/nowhere,");
    answers.push(String(await wire.next()));
    return answers.some((answer) => answer.startsWith("40/one,")) ? "connected" : "waits";
  });

  differs(
    "an event for a namespace that was left",
    { stock: "closed", sockeye: "goes on" },
    async (server) => {
      const site = await serve(server);
      const { wire, socket } = await raw(site);
      const gone = once(socket, "disconnect");
      socket.disconnect();
      await gone;
      wire.send('42["too late"]', "40");
      expect(await wire.next()).toBe("41");
      return Promise.race([wire.closed.then(() => "closed"), wire.next().then(() => "goes on")]);
    },
  );

  differs("a pingInterval of 0", { stock: undefined, sockeye: "ERR_BAD_OPTION" }, async (server) => {
    const site = await startSite(server, { pingInterval: 0, pingTimeout: 60_000 }).catch(
      (error: { code: string }) => error.code,
    );
    if (typeof site === "string") return site;
    await site.end();
    return undefined;
  });

  differs("an app that decides by a promise", { stock: "waits", sockeye: "200" }, async (server) => {
    const site = await serve(server, { allowRequest: (async () => true) as never });
    const answered = http(site.port, { target: "/socket.io/?EIO=4&transport=polling" }).then(
      ({ status }) => `${status}`,
    );
    const waits = stateOf(answered).then((state) => (state === "pending" ? "waits" : answered));
    answered.catch(() => {});
    return waits;
  });
});

describe("recovery", () => {
  const options = { connectionStateRecovery: {} };

  differs("of a client that got no event yet", { stock: false, sockeye: true }, async (server) => {
    const { site, client, socket } = await pair(server, undefined, {}, options);
    const again = once(client, "connect");
    await pullThePlug(site, socket);
    await again;
    return client.recovered;
  });

  differs(
    "before the server has noticed the loss",
    { stock: [false, []], sockeye: [true, ["transport close"]] },
    async (server) => {
      const site = await serve(server, options);
      const { wire } = await openSession(site.port);
      ends.push(() => wire.end());
      wire.send("40");
      const { sid, pid } = JSON.parse(String(await wire.next()).slice(2)) as { sid: string; pid: string };
      const socket = await serverHalf(site, { id: sid } as ClientSocket);
      const reasons: unknown[] = [];
      socket.on("disconnect", (reason) => reasons.push(reason));
      socket.emit("e");
      const offset = (JSON.parse(String(await wire.next()).slice(2)) as string[])[1];
      // The old connection hangs, the client is back on a new one.
      const second = (await openSession(site.port)).wire;
      ends.push(() => second.end());
      second.send(`40${JSON.stringify({ pid, offset })}`);
      const answer = JSON.parse(String(await second.next()).slice(2)) as { sid: string };
      return [answer.sid === sid, reasons];
    },
  );
});

differs(
  "a connection between two ends of the same make that breaks for a moment",
  { stock: [["disconnect"], "another id", ["after"]], sockeye: [[], "the same id", ["meanwhile", "after"]] },
  async (server) => {
    const make = server === "sockeye" ? "sockeye" : "socket.io-client 4";
    const again = { reconnection: true, reconnectionDelay: 10 };
    const { site, client, socket } = await pair(server, make, again);
    const { id } = client;
    const seen: string[] = [];
    const got = new Set<string>();
    client.on("disconnect", () => seen.push("disconnect"));
    client.onAny((event) => got.add(event));
    await pullThePlug(site, socket);
    socket.emit("meanwhile");
    await until(() => {
      site.io.emit("after");
      return got.has("after");
    }, "the client to be back");
    return [seen, client.id === id ? "the same id" : "another id", [...got]];
  },
);

describe("pages of other origins", () => {
  const upgradeFrom = async (server: ServerName, options: Options): Promise<string> => {
    const site = await serve(server, options);
    return openWire(site.port, undefined, { headers: { Origin: "https://other.example" } }).then(
      (wire) => {
        wire.end();
        return "open";
      },
      (error: Error) => error.message,
    );
  };

  differs(
    "a WebSocket that no option allows",
    { stock: "open", sockeye: "Unexpected server response: 403" },
    (server) => upgradeFrom(server, {}),
  );

  differs("a WebSocket that cors allows", { stock: "open", sockeye: "open" }, (server) =>
    upgradeFrom(server, { cors: { origin: ["https://other.example"] } }),
  );

  differs("a request that no option allows", { stock: 200, sockeye: 403 }, async (server) => {
    const { port } = await serve(server);
    const target = "/socket.io/?EIO=4&transport=polling";
    return (await http(port, { target, headers: { Origin: "https://other.example" } })).status;
  });
});

describe("texts of cors.origin", () => {
  const startWith = async (server: ServerName, origin: string): Promise<unknown> => {
    const { port } = await serve(server, { cors: { origin } });
    const target = "/socket.io/?EIO=4&transport=polling";
    const response = await http(port, { target, headers: { Origin: "http://localhost:5173" } });
    return response.headers["access-control-allow-origin"];
  };
  const code = (error: unknown): unknown => (error as { code?: unknown }).code;

  differs(
    "with a slash at the end",
    { stock: "http://localhost:5173/", sockeye: "http://localhost:5173" },
    (server) => startWith(server, "http://localhost:5173/"),
  );

  differs("without a scheme", { stock: "localhost:5173", sockeye: "ERR_BAD_OPTION" }, (server) =>
    startWith(server, "localhost:5173").catch(code),
  );

  differs("without anything", { stock: undefined, sockeye: "ERR_BAD_OPTION" }, (server) =>
    startWith(server, "").catch(code),
  );

  differs(
    "with a star in place of the port",
    { stock: "http://localhost:*", sockeye: "http://localhost:5173" },
    (server) => startWith(server, "http://localhost:*"),
  );
});

differs("a WebTransport session where cors is set", { stock: "closed", sockeye: "open" }, async (server) => {
  const { io } = await serve(server, {
    cors: { origin: "https://app.example" },
    transports: ["polling", "webtransport"],
  });
  const { client, server: session } = webTransportPair();
  (io.engine as unknown as { onWebTransportSession(session: unknown): unknown }).onWebTransportSession(
    session,
  );
  // Socket.IO closes it before the client has said anything.
  if (client.over) return "closed";
  ends.push(() => client.close());
  const { readable, writable } = await client.createBidirectionalStream();
  const answered = readable.getReader().read();
  // An OPEN packet without data.
  await writable.getWriter().write(Uint8Array.of(1, 0x30));
  return (await answered).done ? "closed" : "open";
});

describe("the wire", () => {
  const reasonAfter = async (server: ServerName, frame: string): Promise<unknown> => {
    const site = await serve(server);
    const { wire, socket } = await raw(site);
    const gone = once(socket, "disconnect");
    const still = new Promise<unknown[]>((resolve) => socket.on("still", () => resolve(["goes on"])));
    wire.send(frame, '42["still"]');
    return (await Promise.race([gone, still]))[0];
  };

  for (const [what, frame, stock, sockeye] of [
    ["a malformed packet", '42["e"', "forced close", "parse error"],
    ["an id with a needless zero", '4201["e"]', "goes on", "parse error"],
    ["a PING", "2", "transport error", "parse error"],
    ["an OPEN", "0{}", "goes on", "parse error"],
    ["an UPGRADE on the current transport", "5", "goes on", "parse error"],
    ["a CLOSE", "1", "goes on", "transport close"],
  ] as const) {
    differs<unknown>(`${what} over a WebSocket`, { stock, sockeye }, (server) => reasonAfter(server, frame));
  }

  const afterPost = async (server: ServerName, body: string | Buffer): Promise<unknown[]> => {
    const site = await serve(server);
    const { poller, sid } = await joinByPolling(site.port);
    const socket = await serverHalf(site, { id: sid } as ClientSocket);
    const reasons: unknown[] = [];
    socket.on("disconnect", (reason) => reasons.push(reason));
    const { status } = await poller.post(body);
    await turn();
    return [status, ...reasons];
  };

  differs<unknown[]>("a body with bad base64", { stock: [200], sockeye: [400, "parse error"] }, (server) =>
    afterPost(server, '451-["e",{"_placeholder":true,"num":0}]\u001eb!!!!'),
  );
  differs<unknown[]>("a body that is not UTF-8", { stock: [200], sockeye: [400, "parse error"] }, (server) =>
    afterPost(server, Buffer.from([0x34, 0x32, 0x5b, 0x22, 0xff, 0x22, 0x5d])),
  );
  differs<unknown[]>("a body of 16,385 packets", { stock: [200], sockeye: [400, "parse error"] }, (server) =>
    afterPost(server, Array.from({ length: 16_385 }, () => "3").join("\u001e")),
  );

  differs(
    "a second WebSocket for a session that has one",
    { stock: "stays open", sockeye: "is closed" },
    async (server) => {
      const site = await serve(server);
      const { wire, open } = await openSession(site.port);
      const second = await openWire(site.port, `EIO=4&transport=websocket&sid=${open.sid}`);
      ends.push(() => [wire, second].map((each) => each.end()));
      return (await stateOf(second.closed)) === "pending" ? "stays open" : "is closed";
    },
  );

  differs("the path without its slash", { stock: 404, sockeye: 200 }, async (server) => {
    const site = await serve(server);
    site.http.on("request", (req, res) => {
      if (req.url === "/socket.io?EIO=4&transport=polling" && server === "socket.io 4")
        res.writeHead(404).end();
    });
    return (await http(site.port, { target: "/socket.io?EIO=4&transport=polling" })).status;
  });

  differs(
    "a NOOP for the waiting poll of a probed session",
    { stock: "later", sockeye: "at once" },
    async (server) => {
      const site = await serve(server);
      const poller = await openPoller(site.port);
      const poll = poller.poll();
      const wire = await openWire(site.port, `EIO=4&transport=websocket&sid=${poller.open.sid}`);
      ends.push(() => wire.end());
      await turn();
      wire.send("2probe");
      expect(await wire.next()).toBe("3probe");
      const state = await stateOf(poll);
      await poll;
      return state === "pending" ? "later" : "at once";
    },
  );
});

describe("the client", () => {
  clientsDiffer(
    "a flag that no emit has used is there at the next",
    { stock: [null, 7], sockeye: [7] },
    async (name) => {
      const { client, socket } = await pair("socket.io 4", name);
      socket.on("q", (answer: (n: number) => void) => answer(7));
      client.timeout(4_000);
      return new Promise<unknown[]>((resolve) => client.emit("q", (...args: unknown[]) => resolve(args)));
    },
  );

  clientsDiffer(
    "volatile.emitWithAck that is dropped",
    { stock: "pending", sockeye: "rejected" },
    async (name) => {
      const site = await serve("socket.io 4");
      const client = await dial(site, name, { autoConnect: false });
      return stateOf(client.volatile.emitWithAck("q"));
    },
  );

  clientsDiffer(
    "retries without ackTimeout: what the callback gets, and how often it is sent",
    { stock: ["ok", 2], sockeye: ["null ok", 1] },
    async (name) => {
      const { client, socket } = await pair("socket.io 4", name, { retries: 1 });
      let tries = 0;
      socket.on("q", (answer: (text: string) => void) => {
        tries += 1;
        answer("ok");
      });
      const got = await within(
        new Promise<string>((resolve) =>
          client.emit("q", (...args: unknown[]) => resolve(args.map(String).join(" "))),
        ),
        "the answer",
      );
      return [got, tries];
    },
  );

  clientsDiffer(
    "details of a disconnection: an error, with a code",
    { stock: [false, undefined], sockeye: [true, "ERR_TRANSPORT_FAILED"] },
    async (name) => {
      const { client, site, socket } = await pair("socket.io 4", name, { reconnection: false });
      const lost = once(client, "disconnect");
      await pullThePlug(site, socket);
      const [, details] = (await lost) as [
        string,
        { code?: string; description: string; context: { code: number } },
      ];
      expect(details).toMatchObject({ description: "websocket connection closed", context: { code: 1006 } });
      return [details instanceof Error, details.code];
    },
  );

  clientsDiffer(
    "connect_error has a code",
    { stock: [undefined, undefined], sockeye: ["ERR_CONNECT_REFUSED", "ERR_TRANSPORT_OPEN"] },
    async (name) => {
      const site = await serve("socket.io 4");
      site.io.use((_socket, next) => next(new Error("no")));
      const refused = await dial(site, name);
      const [first] = (await once(refused, "connect_error")) as [{ code?: string }];
      const nobody = await dial({ ...site, url: "http://127.0.0.1:1" }, name, { reconnection: false });
      const [second] = (await once(nobody, "connect_error")) as [{ code?: string }];
      return [first.code, second.code];
    },
  );

  clientsDiffer("permessage-deflate is offered", { stock: true, sockeye: false }, async (name) => {
    const { socket } = await pair("socket.io 4", name);
    return socket.handshake.headers["sec-websocket-extensions"] !== undefined;
  });

  clientsDiffer(
    "recovery on a Sockeye server shows its offset to handlers",
    { stock: 2, sockeye: 1 },
    async (name) => {
      const { client, socket } = await pair("sockeye", name, {}, { connectionStateRecovery: {} });
      const heard = once(client, "e");
      socket.emit("e", "one");
      return (await heard).length;
    },
  );
});
