import { DEFAULT_LIMITS, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { createTextCodec, createTrustingCodec } from "../src/text-codec.js";

const BEYOND = Number.POSITIVE_INFINITY;
const TRUSTED = {
  maxAttachments: BEYOND,
  maxBinaryEventBytes: BEYOND,
  maxJsonDepth: BEYOND,
  maxEventNameLength: BEYOND,
  maxNamespaceLength: BEYOND,
};

const deep = (levels: number): string => `2["e",${"[".repeat(levels)}${"]".repeat(levels)}]`;
const LONG = "n".repeat(2 * DEFAULT_LIMITS.maxEventNameLength);

describe("a client's codec", () => {
  const trusting = createTrustingCodec(TRUSTED, {});

  it.each([
    ["levels", deep(2 * DEFAULT_LIMITS.maxJsonDepth), "ERR_PACKET_TOO_DEEP"],
    ["the name of an event", `2["${LONG}"]`, "ERR_BAD_EVENT_NAME"],
    ["a namespace", `2/${"n".repeat(2 * DEFAULT_LIMITS.maxNamespaceLength)},["e"]`, "ERR_NAMESPACE_TOO_LONG"],
  ])("takes %s from its server that are more than a stranger may send", (_what, text, code) => {
    expect(trusting.decoder().write(text)).toMatchObject({ type: PacketType.EVENT });
    expect(() => createTextCodec().decoder().write(text)).toThrow(expect.objectContaining({ code }));
  });

  it.each(["", "9", '2{"a":1}', '2["e"', "5-[]", '2["connect"]', "4/\u001e,1"])(
    "refuses %j as every codec does",
    (text) => {
      for (const codec of [trusting, createTextCodec()]) {
        expect(() => codec.decoder().write(text)).toThrow(expect.objectContaining({ name: "CodecError" }));
      }
    },
  );

  it("looks at what its server accepts, as that is when a packet is sent", () => {
    const accepted: { maxAttachments?: number } = {};
    const codec = createTrustingCodec(TRUSTED, accepted);
    const data = ["e", new Uint8Array(1), new Uint8Array(1)] as const;
    const encode = () => codec.encode({ type: PacketType.EVENT, nsp: "/", id: undefined, data: [...data] });
    expect(encode().attachments).toHaveLength(2);
    accepted.maxAttachments = 1;
    expect(encode).toThrow(expect.objectContaining({ code: "ERR_TOO_MANY_ATTACHMENTS" }));
  });
});
