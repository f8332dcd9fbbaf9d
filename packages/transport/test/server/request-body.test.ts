import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { expect, it, vi } from "vitest";
import { readBody } from "../../src/server/request/request-body.js";

type Row = readonly [
  what: string,
  pieces: readonly string[],
  declared: number | undefined,
  body: string | undefined,
];

it.each<Row>([
  ["none", [], undefined, ""],
  ["one piece, all that was declared", ["abcd"], 4, "abcd"],
  ["one piece, undeclared", ["abcd"], undefined, "abcd"],
  ["pieces", ["ab", "cd"], 4, "abcd"],
  ["more than was declared, within the limit", ["ab", "cd"], 2, "abcd"],
  ["as much again and again", ["ab", "ab", "ab"], 2, "ababab"],
  ["more than was declared, beyond the limit", ["abcd", "abcde"], 4, undefined],
  ["undeclared, beyond the limit", ["abcdefghi"], undefined, undefined],
  ["declared beyond the limit", ["ab"], 9, undefined],
])("a body that is %s, with a limit of 8 bytes", async (_, pieces, declared, body) => {
  const stream = new PassThrough();
  const headers = declared === undefined ? {} : { "content-length": `${declared}` };
  const done = vi.fn<(body: Buffer | undefined) => void>();
  readBody(Object.assign(stream, { headers }) as unknown as IncomingMessage, 8, done);
  for (const piece of pieces) {
    stream.write(piece);
    await new Promise(setImmediate);
  }
  stream.end();
  await new Promise((resolve) => stream.once("close", resolve));
  expect(done.mock.calls.map(([given]) => given?.toString())).toEqual([body]);
});
