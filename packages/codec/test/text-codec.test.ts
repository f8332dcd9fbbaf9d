import { codecSuite, packetOf, packetText, readVectors, textCodecSuite } from "@sockeye/conformance";
import { CodecError, type Frame, type Packet, PacketType } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createTextCodec } from "../src/index.js";

const codec = createTextCodec();

codecSuite("the text codec", codec);
textCodecSuite("the text codec", codec);

function event(...data: [string | number, ...unknown[]]): Packet {
  return { type: PacketType.EVENT, nsp: "/", id: undefined, data };
}

/** Encodes and decodes. */
function carry(packet: Packet): Packet | undefined {
  const { head, attachments } = codec.encode(packet);
  const decoder = codec.decoder();
  return [(head as string).slice(1), ...attachments].map((frame) => decoder.write(frame)).at(-1);
}

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    return error instanceof CodecError ? error.code : `not a CodecError: ${String(error)}`;
  }
  return "nothing thrown";
}

describe("limits", () => {
  const cases: [string, Parameters<typeof createTextCodec>[0], Frame, string][] = [
    ["attachments", { maxAttachments: 1 }, '52-["a"]', "ERR_TOO_MANY_ATTACHMENTS"],
    ["depth", { maxJsonDepth: 2 }, '2["a",[[]]]', "ERR_PACKET_TOO_DEEP"],
    ["name", { maxEventNameLength: 2 }, '2["abc"]', "ERR_BAD_EVENT_NAME"],
    ["namespace", { maxNamespaceLength: 2 }, '2/ab,["a"]', "ERR_NAMESPACE_TOO_LONG"],
  ];
  it.each(cases)("%s can be set", (_what, limits, frame, code) => {
    expect(codeOf(() => createTextCodec(limits).decoder().write(frame))).toBe(code);
  });

  const within: [string, Parameters<typeof createTextCodec>[0], Frame][] = [
    ["depth", { maxJsonDepth: 2 }, '2["a",[],"[[[[[[["]'],
    ["name", { maxEventNameLength: 2 }, '2["ab"]'],
    ["namespace", { maxNamespaceLength: 3 }, '2/ab,["a"]'],
    [
      "more attachments than by default",
      { maxAttachments: 11 },
      `511-[0,${Array.from({ length: 11 }, (_, i) => `{"_placeholder":true,"num":${i}}`).join()}]`,
    ],
  ];
  it.each(within)("%s at the limit is taken", (_what, limits, frame) => {
    expect(codeOf(() => createTextCodec(limits).decoder().write(frame))).toBe("nothing thrown");
  });

  it("of depth hold for what is sent as well, a placeholder being a level", () => {
    const small = createTextCodec({ maxJsonDepth: 2 });
    expect(small.encode(event("a", [])).head).toBe('42["a",[]]');
    expect(codeOf(() => small.encode(event("a", [[]])))).toBe("ERR_UNENCODABLE");
    expect(small.encode(event("a", Buffer.alloc(1))).attachments).toHaveLength(1);
    expect(codeOf(() => small.encode(event("a", [Buffer.alloc(1)])))).toBe("ERR_UNENCODABLE");
  });

  it("that are no limits end in a CodecError too", () => {
    const endless = createTextCodec({ maxJsonDepth: Number.POSITIVE_INFINITY });
    const list: unknown[] = [];
    list.push(list);
    expect(codeOf(() => endless.encode(event("a", list)))).toBe("ERR_UNENCODABLE");
    const deep = `51-["a",${"[".repeat(50_000)}{"_placeholder":true,"num":0}${"]".repeat(50_000)}]`;
    const decoder = endless.decoder();
    expect(decoder.write(deep)).toBeUndefined();
    expect(decoder.write(Buffer.alloc(1))?.type).toBe(PacketType.EVENT);
  });
});

describe("errors of encode", () => {
  it("keep what the app threw as their cause", () => {
    const cause = new Error("no");
    const bad = {
      toJSON: () => {
        throw cause;
      },
    };
    expect(() => codec.encode(event("a", bad))).toThrow(expect.objectContaining({ cause }));
  });

  it("give a hint for a BigInt", () => {
    expect(() => codec.encode(event("a", 1n))).toThrow(/BigInt as a string/);
    expect(() => codec.encode(event("a", { n: [1n] }))).toThrow(/BigInt as a string/);
  });

  it("give a hint for a Blob", () => {
    expect(() => codec.encode(event("a", new Blob(["x"])))).toThrow(/await blob\.arrayBuffer\(\)/);
  });

  it.each(["a", "", "/a,b", "/a\x1eb"])(
    "come for the namespace %j, which would be read as another",
    (nsp) => {
      expect(
        codeOf(() => codec.encode({ type: PacketType.CONNECT, nsp, id: undefined, data: undefined })),
      ).toBe("ERR_UNENCODABLE");
    },
  );

  it("come for CONNECT data that is no JSON", () => {
    const data: Record<string, unknown> = {};
    data["self"] = data;
    expect(codeOf(() => codec.encode({ type: PacketType.CONNECT, nsp: "/", id: undefined, data }))).toBe(
      "ERR_UNENCODABLE",
    );
  });
});

describe("received bytes", () => {
  it("are a Buffer on Node, and the very one that came in", () => {
    const decoder = codec.decoder();
    decoder.write('51-["a",{"_placeholder":true,"num":0}]');
    const bytes = Buffer.from([1, 2, 3]);
    expect(decoder.write(bytes)?.data?.[1 as never]).toBe(bytes);
  });

  it("are what the codec was told to hand out", () => {
    const decoder = createTextCodec({}, (bytes) => `${bytes.length} bytes`).decoder();
    decoder.write('51-["a",{"x":{"_placeholder":true,"num":0}}]');
    expect(decoder.write(Buffer.alloc(3))?.data).toEqual(["a", { x: "3 bytes" }]);
  });
});

describe("data", () => {
  it("does not pollute a prototype", () => {
    const packet = carry(event("a", JSON.parse('{"__proto__":{"admin":true}}'), Buffer.alloc(1)));
    const [, received] = (packet as { data: unknown }).data as [string, Record<string, unknown>];
    expect(Object.keys(received)).toEqual(["__proto__"]);
    expect(received["admin"]).toBeUndefined();
    expect(Object.getPrototypeOf(received)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined();
  });

  const json = fc.jsonValue({ maxDepth: 6 });
  const bytes = fc.uint8Array({ maxLength: 20 });
  const { tree } = fc.letrec<{ tree: unknown }>((tie) => ({
    tree: fc.oneof(
      { maxDepth: 6 },
      json,
      fc.array(tie("tree"), { maxLength: 4 }),
      fc.dictionary(fc.oneof(fc.string(), fc.constant("__proto__"), fc.constant("toJSON")), tie("tree"), {
        maxKeys: 4,
      }),
    ),
  }));
  const binaryTree = fc
    .tuple(fc.array(tree, { maxLength: 3 }), fc.array(bytes, { maxLength: 10 }), fc.infiniteStream(fc.nat(8)))
    .map(([args, all, where]) => all.reduce<unknown[]>((list, one) => plant(list, one, where), args));
  const id = fc.option(fc.maxSafeNat(), { nil: undefined });
  const nsp = fc.oneof(
    fc.constant("/"),
    fc
      .string({ unit: "binary", maxLength: 30 })
      .map((name) => `/${name.replaceAll(",", "").replaceAll("\x1e", "")}`),
  );
  const name = fc.oneof(
    fc.string({ unit: "binary" }).map((text) => `e${text}`),
    fc.integer(),
  );

  it("comes out as JSON would bring it", () => {
    fc.assert(
      fc.property(nsp, id, name, fc.array(json), (space, ack, event_, args) => {
        const packet: Packet = { type: PacketType.EVENT, nsp: space, id: ack, data: [event_, ...args] };
        const expected = { ...packet, data: JSON.parse(JSON.stringify(packet.data)) } as Packet;
        expect(packetText(carry(packet) as Packet)).toBe(packetText(expected));
        expect(codec.encode(packet).head).toMatch(
          new RegExp(`${escapeRegExp(JSON.stringify(packet.data))}$`),
        );
      }),
    );
  });

  it("comes out with its bytes, wherever they are", () => {
    fc.assert(
      fc.property(nsp, fc.maxSafeNat(), binaryTree, (space, ack, data) => {
        const packet: Packet = { type: PacketType.ACK, nsp: space, id: ack, data };
        const before = packetText(packet);
        expect(packetText(carry(packet) as Packet)).toBe(before);
        expect(packetText(packet)).toBe(before);
      }),
    );
  });

  it("of any kind is decoded or refused, never worse", () => {
    const digit = fc.constantFrom(..."0123456789-/,[]{}\"' a\\\x1e");
    const frame = fc.oneof(
      fc.string({ unit: "binary" }),
      fc.string({ unit: digit, maxLength: 30 }),
      fc
        .tuple(
          fc.constantFrom(...readVectors("packets"), ...readVectors("traps")),
          fc.nat(),
          fc.string({ unit: digit, maxLength: 2 }),
        )
        .map(([vector, at, text]) => mutate(vector.frames[0], at, text)),
      bytes,
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 4 }), (frames) => {
        const decoder = codec.decoder();
        try {
          for (const one of frames) decoder.write(one);
        } catch (error) {
          expect(error).toBeInstanceOf(CodecError);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it("that was decoded can be encoded, and says the same", () => {
    for (const vector of readVectors("packets")) {
      expect(packetText(carry(packetOf(vector)) as Packet)).toBe(packetText(packetOf(vector)));
    }
  });
});

/** Puts bytes at some place of a tree: a new element or key of a container found on the way down. */
function plant(list: unknown[], bytes: Uint8Array, where: Iterator<number>): unknown[] {
  const turn = (where.next().value as number) % 3;
  const index = list.findIndex(
    (item) => typeof item === "object" && item !== null && !ArrayBuffer.isView(item),
  );
  if (turn === 0 || index === -1) return [...list, bytes];
  const item = list[index];
  const planted = Array.isArray(item)
    ? plant(item, bytes, where)
    : Object.fromEntries([...Object.entries(item as object), [`bytes${turn}${bytes.length}`, bytes]]);
  return list.map((old, i) => (i === index ? planted : old));
}

function mutate(frame: unknown, at: number, text: string): string {
  const whole = typeof frame === "string" ? frame.slice(1) : "";
  const cut = at % (whole.length + 1);
  return whole.slice(0, cut) + text + whole.slice(cut + (at % 2));
}

function escapeRegExp(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
}

describe("CONNECT_ERROR for a client of Socket.IO 2", () => {
  it.each<[string, unknown, string]>([
    ["the message alone", undefined, '44/a,"no"'],
    ["the data alone, if there are any", { code: 7 }, '44/a,{"code":7}'],
    ["text as data", "why", '44/a,"why"'],
    ["the message for data that are falsy", 0, '44/a,"no"'],
  ])("has %s", (_what, data, frame) => {
    const packet: Packet = {
      type: PacketType.CONNECT_ERROR,
      nsp: "/a",
      id: undefined,
      data: { message: "no", data },
      bare: true,
    };
    expect(codec.encode(packet).head).toBe(frame);
    expect(codec.encode({ ...packet, bare: false }).head).toMatch(/^44\/a,\{"message":"no"/);
  });
});
