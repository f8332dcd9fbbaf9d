import { frameOf, frameVector, readVectors } from "@sockeye/conformance";
import { CodecError, EncodedPacket, type Frame } from "@sockeye/protocol";
import { decodePacket } from "engine.io-parser";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLOSE,
  decodeFrame,
  message,
  messageText,
  NOOP,
  openPacket,
  PING,
  PONG,
  probePing,
  probePong,
  readOpen,
  UPGRADE,
} from "../src/index.js";

const OPEN = {
  sid: "a",
  upgrades: ["websocket"],
  pingInterval: 25_000,
  pingTimeout: 20_000,
  maxPayload: 1e6,
};

const vectors = readVectors("engine-frames");

describe("decodeFrame", () => {
  it.each(vectors.filter(({ error }) => error === undefined))("reads: $name", ({ frame, packet }) => {
    const { type, data } = decodeFrame(frameOf(frame));
    expect({ type, data: data === undefined ? undefined : frameVector(data) }).toEqual({
      data: undefined,
      ...packet,
    });
  });

  it.each(vectors.filter(({ error }) => error !== undefined))("refuses: $name", ({ frame, error }) => {
    expect(() => decodeFrame(frameOf(frame))).toThrow(
      expect.objectContaining({ name: "CodecError", code: error }),
    );
  });

  it("gives the very bytes that came", () => {
    const bytes = new Uint8Array([1, 2, 3, 4]).subarray(1, 3);
    expect(decodeFrame(bytes).data).toBe(bytes);
  });

  it("agrees with engine.io-parser on every text that is not base64, and so does messageText", () => {
    const digit = fc.constantFrom(..."0123456789");
    const frame = fc.oneof(
      fc.string(),
      fc.tuple(digit, fc.string()).map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(
        frame.filter((text) => !text.startsWith("b")),
        (text) => {
          const stock = decodePacket(text);
          expect(messageText(text)).toBe(stock.type === "message" ? (stock.data ?? "") : undefined);
          if (stock.type === "error") expect(() => decodeFrame(text)).toThrow(CodecError);
          else
            expect({ ...decodeFrame(text) }).toEqual({
              data: stock.type === "message" ? "" : undefined,
              ...stock,
            });
        },
      ),
    );
  });
});

describe("messageText", () => {
  const frames: [Frame, string | undefined][] = [
    ['42["hi"]', '2["hi"]'],
    ["4", ""],
    ["44", "4"],
    ["", undefined],
    ["2", undefined],
    ["bAQID", undefined],
    [Buffer.from("42"), undefined],
  ];
  it.each(frames)("of %j is %j", (frame, text) => {
    expect(messageText(frame)).toBe(text);
  });

  it("takes off what message puts on", () => {
    expect(message("x")).toBe("4x");
    expect(messageText(message(""))).toBe("");
  });
});

describe("engine packets", () => {
  it.each([
    [PING, "2"],
    [PONG, "3"],
    [NOOP, "6"],
    [CLOSE, "1"],
    [UPGRADE, "5"],
    [probePing, "2probe"],
    [probePong, "3probe"],
    [openPacket(OPEN), `0${JSON.stringify(OPEN)}`],
    [
      openPacket({ ...OPEN, maxPayload: undefined }),
      '0{"sid":"a","upgrades":["websocket"],"pingInterval":25000,"pingTimeout":20000}',
    ],
  ])("%j", (packet, head) => {
    expect(packet).toBeInstanceOf(EncodedPacket);
    expect(packet.head).toBe(head);
    expect(packet.attachments).toEqual([]);
  });
});

describe("readOpen", () => {
  it("reads what openPacket writes", () => {
    expect(readOpen(decodeFrame(openPacket(OPEN).head).data)).toEqual(OPEN);
  });

  it("leaves keys aside that it does not know, and can do without maxPayload", () => {
    const { maxPayload: _, ...rest } = OPEN;
    expect(readOpen(JSON.stringify({ ...rest, more: 1 }))).toEqual({ ...rest, maxPayload: undefined });
  });

  it.each(["pingInterval", "pingTimeout", "maxPayload"])(
    "takes null for %s as Infinity, as JSON writes it",
    (key) => {
      const endless = { ...OPEN, [key]: Number.POSITIVE_INFINITY };
      expect(readOpen(JSON.stringify(endless))).toEqual(endless);
    },
  );

  it("reads what the server accepts, and leaves aside what is no limit", () => {
    const limits = { maxAttachments: 3, maxJsonDepth: null, maxEventNameLength: "x", maxNamespaceLength: -1 };
    expect(readOpen(JSON.stringify({ ...OPEN, limits })).limits).toEqual({
      maxAttachments: 3,
      maxJsonDepth: Number.POSITIVE_INFINITY,
    });
  });

  const bad: [string, unknown][] = [
    ["nothing", undefined],
    ["bytes", Buffer.from("{}")],
    ["no JSON", "{"],
    ["null", "null"],
    ["an array", "[]"],
    ...(
      [
        ["sid", [undefined, "", 1, null]],
        ["upgrades", [undefined, "websocket", {}, [1], null]],
        ["pingInterval", [undefined, 0, -1, "25000", [1]]],
        ["pingTimeout", [undefined, 0, -1, "20000"]],
        ["maxPayload", [0, -1, "1"]],
      ] as [string, unknown[]][]
    ).flatMap(([key, values]) =>
      values.map((value): [string, unknown] => [
        `${key} ${JSON.stringify(value)}`,
        JSON.stringify({ ...OPEN, [key]: value }),
      ]),
    ),
  ];
  it.each(bad)("refuses %s", (_what, data) => {
    expect(() => readOpen(data)).toThrow(
      expect.objectContaining({ name: "CodecError", code: "ERR_HANDSHAKE" }),
    );
  });
});
