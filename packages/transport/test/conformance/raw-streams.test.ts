import { transportSuite } from "@sockeye/conformance";
import { nodePair } from "./node-pair.js";
import { READERS, rawStream } from "./raw-stream.js";

// The accepting ends against a client written after PROTOCOL.md alone; also with a response for every few writes.
const often = { gate: { streams: { recycleBytes: 3000 } } };
for (const [title, Class] of [
  ["sse", rawStream("sse", "", READERS.sse)],
  ["stream", rawStream("stream", "", READERS.stream)],
  ["stream as text", rawStream("stream", "&b64=1", READERS.lines)],
  ["iframe", rawStream("iframe", "&c=1", READERS.iframe)],
] as const) {
  transportSuite(`${title}, accepting`, nodePair(Class));
  transportSuite(`${title}, accepting, recycled often`, nodePair(Class, often));
}
