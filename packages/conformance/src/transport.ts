import { EncodedPacket, type Transport } from "@sockeye/protocol";
import { afterEach, describe, expect, it } from "vitest";
import { Side } from "./side.js";

/** Two ends of one pipe, past the handshake and bound to the two sides. */
export interface TransportPair {
  readonly server: Transport;
  readonly client: Transport;
  /** Frees what the pair holds besides its ends, such as an HTTP server. Called after each test. */
  close(): Promise<void>;
}

/** Binds each end to its side, or to a sink that passes on what comes after the handshake. */
export type MakePair = (server: Side, client: Side) => Promise<TransportPair>;

export interface TransportSuiteOptions {
  /** The name of the dialling end, if it is not that of the other: JSONP is a kind of polling on the wire. */
  readonly clientName?: string | undefined;
}

type Ends = readonly [near: Side, nearEnd: Transport, far: Side, farEnd: Transport];
type Define = (
  name: string,
  body: (pair: TransportPair, server: Side, client: Side) => Promise<void>,
) => void;
/** Defines a test for each direction. */
type DefineBoth = (name: string, body: (...ends: Ends) => Promise<void>) => void;

/** The contract of Transport in @sockeye/protocol, one test a sentence. */
export function transportSuite(name: string, makePair: MakePair, options: TransportSuiteOptions = {}): void {
  describe(`${name} as a Transport`, () => {
    let open: TransportPair | undefined;
    afterEach(async () => {
      open?.client.close("dead");
      open?.server.close("dead");
      await open?.close();
      open = undefined;
    });

    const define: Define = (title, body) => {
      it(title, async () => {
        const server = new Side();
        const client = new Side();
        const pair = await makePair(server, client);
        open = pair;
        server.use(pair.server);
        client.use(pair.client);
        await body(pair, server, client);
        expect([...server.wrong, ...client.wrong]).toEqual([]);
      });
    };
    const defineBoth: DefineBoth = (title, body) => {
      define(`${title}, client to server`, (pair, server, client) =>
        body(client, pair.client, server, pair.server),
      );
      define(`${title}, server to client`, (pair, server, client) =>
        body(server, pair.server, client, pair.client),
      );
    };

    define("has the right name at both ends", async (pair) => {
      expect(pair.server.name).not.toBe("");
      expect(pair.client.name).toBe(options.clientName ?? pair.server.name);
    });
    carriesFrames(define, defineBoth);
    tellsWritable(define, defineBoth);
    pauses(define, defineBoth);
    ends(define, defineBoth);
  });
}

function carriesFrames(define: Define, defineBoth: DefineBoth): void {
  for (const [what, packets] of Object.entries(PACKETS)) {
    defineBoth(`carries ${what}`, async (near, _end, far) => {
      near.send(packets());
      near.sendText("4end");
      const expected = [...packets().flatMap(framesOf), "4end"];
      await far.received(expected.length);
      expect(far.frames.map(plain)).toEqual(expected.map(plain));
    });
  }

  define("carries 10,000 messages each way at the same time, in order", async (_pair, server, client) => {
    const texts = Array.from({ length: 10_000 }, (_, i) => `42["n",${i}]`);
    for (let from = 0; from < texts.length; from += 100) {
      const some = texts.slice(from, from + 100);
      client.sendText(...some);
      server.sendText(...some);
      if (from % 1000 === 0) await nextTurn();
    }
    await Promise.all([server.received(texts.length), client.received(texts.length)]);
    expect(server.frames).toEqual(texts);
    expect(client.frames).toEqual(texts);
  });

  define("carries the same packet many times and from both ends", async (_pair, server, client) => {
    const shared = new EncodedPacket('451-["b",{"_placeholder":true,"num":0}]', [bytes(5)]);
    for (const side of [client, server, client]) side.send([shared, shared]);
    await Promise.all([server.received(8), client.received(4)]);
    const twice = [...framesOf(shared), ...framesOf(shared)].map(plain);
    expect(client.frames.map(plain)).toEqual(twice);
    expect(server.frames.map(plain)).toEqual([...twice, ...twice]);
  });

  defineBoth("takes what is sent from within frame()", async (near, _end, far) => {
    far.onFrame = (frame) => far.sendText(`4re:${String(frame)}`);
    near.onFrame = (frame) => {
      if (near.frames.length < 20) near.sendText(`4${String(frame).length}`);
    };
    near.sendText("4go");
    await near.received(20);
    expect(near.frames[0]).toBe("4re:4go");
  });

  defineBoth("reports to the sink of the last bind()", async (near, _end, far, farEnd) => {
    near.sendText("4one");
    await far.received(1);
    const heir = new Side();
    heir.use(farEnd);
    farEnd.bind(heir);
    near.sendText("4two");
    await heir.received(1);
    expect(heir.frames).toEqual(["4two"]);
    expect(far.frames).toEqual(["4one"]);
  });
}

function tellsWritable(define: Define, defineBoth: DefineBoth): void {
  define("both ends become writable", async (pair, server, client) => {
    await server.until(() => pair.server.writable, "the server to become writable");
    await client.until(() => pair.client.writable, "the client to become writable");
  });

  defineBoth("tells every change to writable", async (near, end, far) => {
    for (let round = 1; round <= 5; round++) {
      await near.until(() => end.writable, "a writable transport");
      const told = near.writables;
      end.send([new EncodedPacket(`4${round}`)]);
      if (!end.writable) {
        await near.until(() => near.writables > told, "writable()");
        expect(end.writable).toBe(true);
      }
    }
    await far.received(5);
  });
}

/** What a session sends to release the other side's pipe: it ends the response that waits, if the pipe has such. */
const NOOP = "6";

function pauses(define: Define, defineBoth: DefineBoth): void {
  defineBoth("is done with a pause and delivers what still arrives", async (near, _end, far, farEnd) => {
    const done = pausing(farEnd, far);
    near.sendText("4while pausing");
    await far.received(1);
    near.sendText(NOOP);
    await done;
    expect(far.frames).toEqual(["4while pausing"]);
  });

  defineBoth("loses nothing that was sent before a pause", async (near, end, far) => {
    await near.until(() => end.writable, "a writable transport");
    near.sendText(...Array.from({ length: 50 }, (_, i) => `4${i}`));
    const done = pausing(end, near);
    far.sendText(NOOP);
    await Promise.all([done, far.received(50)]);
    expect(far.frames).toHaveLength(50);
  });

  define("continues after resume()", async (pair, server, client) => {
    const done = pausing(pair.client, client);
    server.sendText(NOOP);
    await done;
    const told = client.writables;
    const wasWritable = pair.client.writable;
    pair.client.resume();
    if (!wasWritable) await client.until(() => client.writables > told, "writable()");
    client.sendText("4up");
    server.sendText("4down");
    await Promise.all([server.received(1), client.received(1)]);
    expect(server.frames).toEqual(["4up"]);
    expect(client.frames).toEqual(["4down"]);
  });

  define("continues after a resume() that comes before the pause was done", async (pair, server, client) => {
    pair.client.pause(() => {});
    pair.client.resume();
    client.sendText("4up");
    server.sendText("4down", "4down again");
    await Promise.all([server.received(1), client.received(2)]);
  });
}

function ends(define: Define, defineBoth: DefineBoth): void {
  defineBoth("tells the peer of a goodbye, once", async (near, end, far, farEnd) => {
    await near.until(() => end.writable, "a writable transport");
    end.close("goodbye");
    await far.end();
    await quiet();
    expect(far.endings).toHaveLength(1);
    expect(far.endings[0]?.reason).toBe("transport close");
    expect(farEnd.writable).toBe(false);
    expect(near.endings).toEqual([]);
  });

  defineBoth("delivers what was sent before a goodbye", async (near, end, far) => {
    await near.until(() => end.writable, "a writable transport");
    end.send([new EncodedPacket("4one"), new EncodedPacket("4two")]);
    // A session says goodbye once it could write again.
    await near.until(() => end.writable, "a writable transport");
    end.close("goodbye");
    await far.end();
    expect(far.frames).toEqual(["4one", "4two"]);
  });

  for (const how of ["goodbye", "moved", "dead"] as const) {
    defineBoth(`reports nothing after close("${how}")`, async (near, end, far, farEnd) => {
      await far.until(() => farEnd.writable, "a writable transport");
      farEnd.send([new EncodedPacket("4too late")]);
      const told = near.writables;
      end.close(how);
      expect(end.writable).toBe(false);
      await quiet();
      expect(near.frames).toEqual([]);
      expect(near.endings).toEqual([]);
      expect(near.writables).toBe(told);
      expect(far.endings.length).toBeLessThanOrEqual(1);
    });
  }

  defineBoth(
    "delivers nothing of a batch after close() from within frame()",
    async (near, _end, far, farEnd) => {
      far.onFrame = () => farEnd.close("dead");
      near.sendText("4one", "4two", "4three");
      await far.received(1);
      await quiet();
      expect(far.frames).toEqual(["4one"]);
      expect(far.endings).toEqual([]);
    },
  );

  defineBoth("takes any call after close() without a word", async (near, end) => {
    end.close("goodbye");
    end.close("goodbye");
    end.close("dead");
    end.pause(() => {});
    end.resume();
    end.close("goodbye");
    await quiet();
    expect(near.endings).toEqual([]);
  });

  define("stays silent when both ends close", async (pair, server, client) => {
    pair.client.close("goodbye");
    pair.server.close("goodbye");
    await quiet();
    expect([...server.endings, ...client.endings]).toEqual([]);
  });
}

const PACKETS: Readonly<Record<string, () => EncodedPacket[]>> = {
  "one message": () => [new EncodedPacket('42["hi"]')],
  "an empty message": () => [new EncodedPacket("4")],
  "empty bytes": () => [new EncodedPacket(new Uint8Array(0))],
  "a batch, in order": () => Array.from({ length: 1000 }, (_, i) => new EncodedPacket(`42["n",${i}]`)),
  "text beyond ASCII": () => [new EncodedPacket('42["žluťoučký","日本語","🐟","\u2028\u0000\u007f"]')],
  "every byte": () => [new EncodedPacket(bytes(256))],
  "attachments right after their head": () => [
    new EncodedPacket("4before"),
    new EncodedPacket('453-["three"]', [bytes(1), bytes(0), bytes(300)]),
    new EncodedPacket('451-["one"]', [bytes(2)]),
    new EncodedPacket("4after"),
  ],
  "a packet that must not be compressed": () => [
    new EncodedPacket(`4${"x".repeat(5000)}`, undefined, false),
    new EncodedPacket('451-["b"]', [bytes(5000)], false),
  ],
  "a text of 1 MB": () => [new EncodedPacket(`4${"x".repeat(999_999)}`)],
  "bytes of 700 KB": () => [new EncodedPacket('451-["b"]', [bytes(700_000)])],
};

/** Resolves when the pause is done. */
function pausing(transport: Transport, side: Side): Promise<void> {
  let done = false;
  transport.pause(() => {
    done = true;
  });
  // `done` comes with the end of a request, not with a report, so nothing would wake the side.
  return poll(() => done || side.endings.length > 0);
}

async function poll(holds: () => boolean): Promise<void> {
  while (!holds()) await nextTurn();
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1));
}

/** Long enough for what is on its way between two ends on one machine; shows that something did not happen. */
function quiet(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 25));
}

function framesOf(packet: EncodedPacket): readonly (string | Uint8Array)[] {
  return [packet.head, ...packet.attachments];
}

function bytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => i % 256);
}

/** One form for all kinds of bytes. */
function plain(frame: string | Uint8Array): string {
  return typeof frame === "string" ? frame : `bytes:${Buffer.from(frame).toString("base64")}`;
}
