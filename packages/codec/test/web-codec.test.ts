// The readers that bundles for browsers have in the place of those on Node.js. They must agree about every frame that is in the protocol;
// what they do with the rest is listed here, by the names of the vectors.
import { EventEmitter } from "node:events";
import { createRequire } from "node:module";
import {
  codecSuite,
  frameOf,
  frameVector,
  packetOf,
  packetText,
  readVectors,
  textCodecSuite,
} from "@sockeye/conformance";
import type { Frame, Packet } from "@sockeye/protocol";
import { CodecError, DEFAULT_MAX_PACKETS, EncodedPacket, PacketType } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import * as node from "../src/index.js";
import * as nodePayload from "../src/payload.js";
import * as web from "../src/web/index.js";
import * as webPayload from "../src/web/payload.js";

const BEYOND = Number.POSITIVE_INFINITY;
const TRUSTED = {
  maxAttachments: BEYOND,
  maxBinaryEventBytes: BEYOND,
  maxJsonDepth: BEYOND,
  maxEventNameLength: BEYOND,
  maxNamespaceLength: BEYOND,
};
const OPEN = {
  sid: "a",
  upgrades: ["websocket"],
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxPayload: 1e6,
};
const codec = web.createTrustingCodec(TRUSTED, {});

/** Taken from a server that would send them: nothing is measured, and numbers may be spelled in other ways. */
const TAKEN: readonly string[] = [
  "event name is not finite",
  "event name too long",
  "space before the JSON",
  "space after an id",
  "id with a needless zero",
  "id of two zeros",
  "id beyond the safe integers",
  "id of 21 digits",
  "id of 5000 digits",
  "namespace too long",
  "endless namespace",
  "payload separator in a namespace",
  "connect with null",
  "connect with an id",
  "disconnect with an id",
  "connect error with an id",
  "acknowledgement with a bad id",
  "nested one level too deep",
  "nested too deep in objects",
  "nested too deep behind an escaped quote",
  "nested 4000 levels with an attachment",
  "auth nested too deep",
  "attachment count with a needless zero",
  "attachment count of 21 digits",
  "one attachment too many",
  "a million attachments",
  "too many attachments of an acknowledgement",
  "attachment without a placeholder",
  "fewer placeholders than attachments",
  "placeholder number is a method name",
  "placeholder number is a text",
  "placeholder number is missing",
  "placeholder number is a fraction",
  "placeholder number is negative",
  "placeholder number is out of range",
  "placeholder number is null",
  "one attachment used twice",
  "one attachment used twice, another not at all",
];

/** Refused with a plainer code. */
const MALFORMED: readonly string[] = [
  "event name is null",
  "event name is a boolean",
  "event name is an object",
  "event name is an array",
  "event called connect",
  "event called connect_error",
  "event called disconnect",
  "event called disconnecting",
  "event called newListener",
  "event called removeListener",
  "event called connect, with an escape",
  "event called connect on a namespace",
  "event name is a placeholder",
  "reserved name in a binary event",
  "bytes that no packet announced",
  "bytes after a packet without bytes",
  "more bytes than announced",
  "text while attachments are awaited",
  "text after the first of two attachments",
];

const FRAMES_TAKEN: readonly string[] = ["base64 without padding", "base64 with a space"];

/** An empty frame is refused as such, a moment later. */
const BODIES_TAKEN: readonly string[] = [
  "empty body",
  "only a separator",
  "separator first",
  "separator last",
  "two separators in a row",
  "base64 without padding",
  "base64 with a line feed",
  "base64 with spaces",
  "base64 with stray bits",
  "base64 with stray bits in one byte of padding",
];

codecSuite("a browser's codec", codec);
textCodecSuite("a browser's codec", codec, {
  ...Object.fromEntries(TAKEN.map((name) => [name, "taken" as const])),
  ...Object.fromEntries(MALFORMED.map((name) => [name, "ERR_PACKET_MALFORMED" as const])),
});

/** What comes of it, or the code of what is thrown, which must be a `CodecError`. */
function outcomeOf(act: () => unknown): unknown {
  try {
    return act();
  } catch (error) {
    expect(error).toBeInstanceOf(CodecError);
    return (error as CodecError).code;
  }
}

describe("a browser's readers", () => {
  it.each(readVectors("engine-frames"))("frame: $name", ({ name, frame, packet, error }) => {
    const outcome = outcomeOf(() => {
      const { type, data } = web.decodeFrame(frameOf(frame));
      if (!packet) return "taken";
      return data === undefined ? { type } : { type, data: frameVector(data) };
    });
    expect(outcome).toEqual(packet ?? (FRAMES_TAKEN.includes(name) ? "taken" : error));
  });

  it.each(readVectors("payloads"))("body: $name", ({ name, body, frames, error }) => {
    const outcome = outcomeOf(() => {
      const read = webPayload.decodePayload(body);
      return frames ? read.map(frameVector) : "taken";
    });
    expect(outcome).toEqual(frames ?? (BODIES_TAKEN.includes(name) ? "taken" : error));
  });

  it("read every text that is not base64 as engine.io-parser does on Node.js", () => {
    const text = fc.oneof(
      fc.string(),
      fc.tuple(fc.integer({ min: 0, max: 9 }), fc.string()).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(
        text.filter((any) => !any.startsWith("b")),
        (any) => {
          const [lax, same] = [web, node].map((end) => outcomeOf(() => ({ ...end.decodeFrame(any) })));
          expect(lax).toEqual(same);
          expect(web.messageText(any)).toBe(node.messageText(any));
        },
      ),
      { examples: [[""], ["constructor"], ["4\n"], ["4"]] },
    );
  });

  it("export what those on Node.js do", () => {
    expect(Object.keys(web).sort()).toEqual(Object.keys(node).sort());
    expect(Object.keys(webPayload).sort()).toEqual(Object.keys(nodePayload).sort());
  });

  it.each<[string, unknown]>([
    ["on Node.js", node],
    ["in a browser", web],
  ])("%s: envelopes", (_where, end) => {
    const { CLOSE, claimPacket, NOOP, openPacket, PING, PONG, probePing, probePong, UPGRADE, withCount } =
      end as typeof web;
    const claim = { sid: "a", secret: "b", received: 3 };
    const packets = [
      PING,
      PONG,
      NOOP,
      CLOSE,
      UPGRADE,
      probePing,
      probePong,
      claimPacket(claim),
      openPacket(OPEN),
    ];
    const counts = [withCount("pong", 7), withCount("noop", 0), withCount("ping", undefined)];
    expect([...packets, ...counts].map(({ head }) => head)).toEqual([
      ...[
        "2",
        "3",
        "6",
        "1",
        "5",
        "2probe",
        "3probe",
        `0${JSON.stringify(claim)}`,
        `0${JSON.stringify(OPEN)}`,
      ],
      ...["37", "60", "2"],
    ]);
  });

  it.each(
    [
      ["", "null", "7", "[]", "{}", '{"sid":""}', "no JSON"],
      ["sid", "upgrades", "pingInterval", "pingTimeout"].map((gone) =>
        JSON.stringify({ ...OPEN, [gone]: undefined }),
      ),
      ["pingInterval", "pingTimeout"].map((none) => JSON.stringify({ ...OPEN, [none]: 0 })),
    ].flat(),
  )("an OPEN that nothing works with is refused: %s", (text) => {
    for (const { readOpen } of [node, web]) expect(outcomeOf(() => readOpen(text))).toBe("ERR_HANDSHAKE");
  });

  it("read the terms of a server alike, those without an end too", () => {
    const limits = { maxJsonDepth: 9, maxAttachments: null };
    const resume = { secret: "s", window: 1, bytes: 2, received: 3 };
    const text = JSON.stringify({ ...OPEN, maxPayload: null, resume, limits });
    expect(web.readOpen(text)).toEqual(node.readOpen(text));
    expect(web.readOpen(text)).toMatchObject({ maxPayload: BEYOND, limits: { maxAttachments: BEYOND } });
  });
});

const framesOf = ({ head, attachments }: EncodedPacket): unknown[] => [head, ...attachments].map(frameVector);
const bytes = fc.uint8Array({ maxLength: 20 });
const data = fc.array(
  fc.letrec((tie) => ({
    item: fc.oneof(
      { maxDepth: 3 },
      fc.jsonValue(),
      bytes,
      fc.array(tie("item")),
      fc.dictionary(fc.string(), tie("item")),
      fc.date(),
    ),
  })).item,
  { maxLength: 4 },
);
const event = (items: readonly unknown[]): Packet => ({
  type: PacketType.EVENT,
  nsp: "/n",
  id: 5,
  data: ["e", ...items],
});

describe("a browser's codec and that of Node.js", () => {
  const strict = node.createTextCodec({ maxAttachments: 1000 });

  it("write the same frames, and read each other's", () => {
    fc.assert(
      fc.property(data, (items) => {
        const both = [codec, strict].map((each) => each.encode(event(items)));
        const [frames, others] = both.map(framesOf);
        expect(frames).toEqual(others);
        const read = [codec, strict].map((each) => {
          const decoder = each.decoder();
          return (frames as never[])
            .map((vector) => frameOf(vector))
            .map((frame, at) => decoder.write(at === 0 ? (frame as string).slice(1) : frame))
            .pop();
        });
        expect(packetText(read[0] as Packet)).toBe(packetText(read[1] as Packet));
      }),
    );
  });

  it.each([1, 2, 5])("refuse the same depths where a server takes %i levels", (maxJsonDepth) => {
    const ends = [
      web.createTrustingCodec(TRUSTED, { maxJsonDepth }),
      node.createTrustingCodec(TRUSTED, { maxJsonDepth }),
    ];
    const nest = (levels: number, core: unknown): unknown => (levels === 0 ? core : [nest(levels - 1, core)]);
    for (const core of [1, new Uint8Array(1), { toJSON: () => new Uint8Array(1) }]) {
      for (let levels = 0; levels < 7; levels++) {
        const [lax, same] = ends.map((end) =>
          outcomeOf(() => framesOf(end.encode(event([nest(levels, core)])))),
        );
        expect(lax).toEqual(same);
      }
    }
  });

  it.each<[string, unknown[]]>([
    ["a toJSON that gives bytes", [{ toJSON: () => new Uint8Array([1]) }]],
    [
      "a toJSON that gives an object with one",
      [{ toJSON: () => ({ toJSON: () => 1, a: new Uint8Array(1) }) }],
    ],
    ["a Buffer, which has one", [Buffer.from("abc")]],
    ["a DataView", [new DataView(new ArrayBuffer(4), 1, 2)]],
    ["what JSON has not", [undefined, () => {}, Number.NaN, new Map([[1, 2]])]],
    ["a placeholder alone", [{ _placeholder: true, num: 0 }]],
    ["a placeholder beside bytes", [new Uint8Array(1), { _placeholder: true, num: 0 }]],
    ["the same, the other way round", [{ _placeholder: true, num: 0 }, new Uint8Array(1)]],
    ["a BigInt", [1n]],
    ["a Blob behind a toJSON", [{ toJSON: () => new Blob([]) }]],
    ["the same object twice", ((shared) => [shared, { shared }])({ a: new Uint8Array(2) })],
  ])("treat %s alike", (_what, items) => {
    const [lax, same] = [codec, node.createTrustingCodec(TRUSTED, {})].map((each) =>
      outcomeOf(() => framesOf(each.encode(event(items)))),
    );
    expect(lax).toEqual(same);
  });

  it.each(["", "n", "/a,b", "/a\x1eb"])("refuse the namespace %j", (nsp) => {
    for (const each of [codec, strict]) {
      expect(outcomeOf(() => each.encode({ ...event([]), nsp }))).toBe("ERR_UNENCODABLE");
    }
  });
});

describe("a browser's bodies", () => {
  const packet = (head: Frame, ...attachments: Uint8Array[]): EncodedPacket =>
    new EncodedPacket(head, attachments);
  const packets = fc.array(
    fc
      .tuple(fc.string(), fc.array(bytes, { maxLength: 3 }))
      .map(([text, all]) => packet(`4${text.replaceAll("\x1e", "")}`, ...all)),
    { minLength: 1, maxLength: 8 },
  );

  it("are those of Node.js", () => {
    fc.assert(
      fc.property(packets, (list) => {
        const body = webPayload.encodePayload(list);
        expect(body).toBe(nodePayload.encodePayload(list));
        expect(webPayload.decodePayload(body).map(frameVector)).toEqual(list.flatMap(framesOf));
      }),
    );
  });

  it("are cut between frames, as large as they may be", () => {
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 60 }), (list, most) => {
        const bodies = webPayload.splitPayload(list, most);
        expect(bodies.join("\x1e")).toBe(webPayload.encodePayload(list));
        bodies.forEach((body, at) => {
          const size = Buffer.byteLength(body);
          expect(size <= most || !body.includes("\x1e")).toBe(true);
          const next = bodies[at + 1]?.split("\x1e")[0];
          if (next !== undefined) expect(size + 1 + Buffer.byteLength(next)).toBeGreaterThan(most);
        });
      }),
    );
    const many = Array.from({ length: DEFAULT_MAX_PACKETS + 1 }, () => packet("4"));
    expect(webPayload.splitPayload(many, 1e9).map((body) => body.split("\x1e").length)).toEqual([
      DEFAULT_MAX_PACKETS,
      1,
    ]);
  });
});

describe("a parser of the app's in a browser", () => {
  const require = createRequire(import.meta.url);
  const stock = require("socket.io-msgpack-parser") as {
    Encoder: never;
    Decoder: new () => { add(frame: unknown): void };
  };
  const msgpack = web.codecFromParser({
    Encoder: stock.Encoder,
    Decoder: class extends stock.Decoder {
      // Its build for browsers takes an ArrayBuffer, that for Node.js a Buffer.
      override add(frame: unknown): void {
        super.add(frame instanceof ArrayBuffer ? Buffer.from(frame) : frame);
      }
    } as never,
  });

  // Its decoder takes `__proto__` for the prototype.
  it.each(readVectors("packets").filter((vector) => !JSON.stringify(vector).includes("__proto__")))(
    "carries: $name",
    (vector) => {
      const packet = packetOf(vector);
      const decoder = msgpack.decoder();
      expect(packetText(decoder.write(msgpack.encode(packet).head) as Packet)).toBe(packetText(packet));
      decoder.close?.();
    },
  );

  class Decoder extends EventEmitter {
    add(frame: unknown): void {
      for (const packet of JSON.parse(String(frame)) as unknown[]) this.emit("decoded", packet);
    }
  }
  const parserOf = (encode: () => unknown): web.Parser =>
    ({
      Encoder: class {
        encode = encode as never;
      },
      Decoder,
    }) as never;

  it.each<[string, () => unknown]>([
    [
      "that throws",
      () => {
        throw new Error("no");
      },
    ],
    ["that gives nothing", () => []],
    ["that gives no list", () => 7],
    ["that gives no frames", () => [{}]],
    ["whose text would be several frames", () => ["a\x1eb"]],
  ])("cannot encode with one %s", (_what, encode) => {
    expect(outcomeOf(() => web.codecFromParser(parserOf(encode)).encode(event([])))).toBe("ERR_UNENCODABLE");
  });

  it.each([
    ["[]", undefined],
    ['[{"type":2,"nsp":"/","data":["e"],"id":null}]', { type: 2, nsp: "/", id: undefined, data: ["e"] }],
    ['[{"type":1,"nsp":"/"},{"type":1,"nsp":"/"}]', "ERR_PACKET_MALFORMED"],
    ['[{"type":2,"nsp":"/","data":["connect"]}]', "ERR_PACKET_MALFORMED"],
    ['[{"type":9,"nsp":"/"}]', "ERR_PACKET_MALFORMED"],
    ["[null]", "ERR_PACKET_MALFORMED"],
    ["not JSON", "ERR_PACKET_MALFORMED"],
  ])("reads %s", (frame, outcome) => {
    const decoder = web.codecFromParser(parserOf(() => [])).decoder();
    expect(outcomeOf(() => decoder.write(frame))).toEqual(outcome);
  });

  it("is a parser or a codec", () => {
    expect(web.codecFromParser(codec)).toBe(codec);
    expect(() => web.codecFromParser({} as never)).toThrow(
      expect.objectContaining({ code: "ERR_BAD_OPTION" }),
    );
  });
});
