import { bursts, clientFrame, event, TEXT } from "./frames.mjs";
import { openSockets } from "./websocket-client.mjs";

const BYTES = Buffer.alloc(1024, 0xa5);

/** An echo of a text of that many characters. */
function sized(size) {
  const text = "x".repeat(size);
  return { send: event("echo", text), expect: [Buffer.from(`42["echo","${text}"]`)] };
}

/** What is sent, and the payloads that must come back for each. */
const MESSAGES = {
  text: { send: event("echo", TEXT), expect: [Buffer.from(`42["echo","${TEXT}"]`)] },
  ack: { send: clientFrame(`427["ack","${TEXT}"]`), expect: [Buffer.from(`437["${TEXT}"]`)] },
  binary: {
    send: Buffer.concat([clientFrame('451-["echo",{"_placeholder":true,"num":0}]'), clientFrame(BYTES)]),
    expect: [Buffer.from('451-["echo",{"_placeholder":true,"num":0}]'), BYTES],
  },
};

/**
 * Each connection keeps `inFlight` messages under way: for every reply it sends one more, those of one chunk in one
 * write. The first replies are compared byte by byte, all others by their length.
 */
export async function prepare(port, { connections, inFlight, message, size, counted }) {
  const { send, expect } = size === undefined ? MESSAGES[message] : sized(size);
  const ready = bursts(send, inFlight);
  const clients = await openSockets(port, { connections, counted });
  let count = 0;
  let running = false;

  for (const client of clients) {
    client.frames = 0;
    client.replies = 0;
    client.onFrame = (self, data, start, end) => {
      const expected = expect[self.frames % expect.length];
      if (end - start !== expected.length) throw new Error("a reply of the wrong length");
      if (self.frames < 64 && end <= data.length && expected.compare(data, start, end) !== 0)
        throw new Error("a wrong reply");
      if (++self.frames % expect.length === 0) self.replies++;
    };
    client.onChunk = (self) => {
      const { replies } = self;
      if (replies === 0) return;
      self.replies = 0;
      count += replies;
      if (running) self.write(ready[replies]);
    };
  }

  return {
    start() {
      running = true;
      for (const client of clients) client.write(ready[inFlight]);
    },
    count: () => count,
    stop() {
      running = false;
    },
  };
}
