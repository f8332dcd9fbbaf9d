import { describe, expect, it } from "vitest";
import { ClosingFrames } from "../../src/server/websocket/closing-frames.js";
import { clientFrame } from "./raw-client.js";

/** A masked frame of any length. */
function frame(first: number, length: number): Buffer {
  if (length <= 125) return clientFrame(first, Buffer.alloc(length, 0x88));
  const head = length < 0x10000 ? Buffer.alloc(4) : Buffer.alloc(10);
  head[0] = first;
  head[1] = 0x80 | (length < 0x10000 ? 126 : 127);
  if (length < 0x10000) head.writeUInt16BE(length, 2);
  else head.writeUInt32BE(length, 6);
  // What is inside looks like close frames.
  return Buffer.concat([head, Buffer.from([1, 2, 3, 4]), Buffer.alloc(length, 0x88)]);
}

function found(chunks: readonly Buffer[]): string[] {
  const bodies: string[] = [];
  const frames = new ClosingFrames((body) => bodies.push(body.toString("latin1")));
  for (const chunk of chunks) frames.read(Buffer.from(chunk));
  return bodies;
}

function cut(bytes: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  return chunks;
}

const BODY = Buffer.from([0x03, 0xe8, 0x62, 0x79, 0x65]);
const CLOSE = clientFrame(0x88, BODY);

describe("the peer's close frame is found", () => {
  const rows: readonly [string, readonly Buffer[]][] = [
    ["at once", []],
    ["behind a short text", [frame(0x81, 5)]],
    ["behind a frame of 126 bytes", [frame(0x82, 126)]],
    ["behind a frame of 65,536 bytes", [frame(0x82, 65_536)]],
    [
      "behind pings, pongs, and fragments",
      [frame(0x89, 125), frame(0x8a, 0), frame(0x01, 9), frame(0x80, 9)],
    ],
  ];
  for (const size of [1, 2, 3, 7, 4096, 1e6]) {
    it.each(rows)(`%s, in pieces of ${size}`, (_what, before) => {
      expect(found(cut(Buffer.concat([...before, CLOSE]), size))).toEqual([BODY.toString("latin1")]);
    });
  }

  it("once, whatever follows", () => {
    expect(found([Buffer.concat([CLOSE, CLOSE, Buffer.from("rubbish")])])).toHaveLength(1);
  });

  it("without a body, and with half a code", () => {
    expect(found([clientFrame(0x88, Buffer.alloc(0))])).toEqual([""]);
    expect(found([clientFrame(0x88, Buffer.from([3]))])).toEqual([""]);
  });

  it("never within a frame that has not ended", () => {
    expect(found([frame(0x82, 1_000_000).subarray(0, 500_000)])).toEqual([]);
  });

  it("in what no client sends", () => {
    expect(found([Buffer.from([0x81, 0x05, 1, 2, 3, 4, 5])])).toEqual([""]);
  });
});
