import { DEFAULT_LIMITS, type Packet, PacketType } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { readHeader, writeHeader } from "../src/text.js";

const rows: [
  text: string,
  type: number,
  attachments: number,
  nsp: string,
  id: number | undefined,
  rest: string,
][] = [
  ["0", 0, 0, "/", undefined, ""],
  ["0{}", 0, 0, "/", undefined, "{}"],
  ["1/a,", 1, 0, "/a", undefined, ""],
  ["2[]", 2, 0, "/", undefined, "[]"],
  ["20[]", 2, 0, "/", 0, "[]"],
  ["2/a,12[]", 2, 0, "/a", 12, "[]"],
  ["2/a,[]", 2, 0, "/a", undefined, "[]"],
  ["51-[]", 5, 1, "/", undefined, "[]"],
  ["510-/a,7[]", 5, 10, "/a", 7, "[]"],
  ["62-9[]", 6, 2, "/", 9, "[]"],
];

describe("readHeader", () => {
  it.each(rows)("%s", (text, type, attachments, nsp, id, rest) => {
    const header = readHeader(text, DEFAULT_LIMITS);
    expect(header).toEqual({ type, attachments, nsp, id, end: text.length - rest.length });
  });
});

describe("writeHeader", () => {
  it.each(rows)("%s", (text, type, attachments, nsp, id, rest) => {
    const plain = type >= PacketType.BINARY_EVENT ? type - 3 : type;
    const packet = { type: plain, nsp, id, data: undefined } as unknown as Packet;
    expect(writeHeader(packet, attachments) + rest).toBe(text);
  });
});
