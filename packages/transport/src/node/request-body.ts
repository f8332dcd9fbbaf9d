import type { IncomingMessage } from "node:http";

/** What became of a body: its bytes, or `undefined` if it has more than allowed. */
export type Body = Buffer | undefined;

/**
 * Collects the body of a request and calls `done` once: with the bytes at its end, or with `undefined` as soon as the
 * declared or the received length exceeds the limit. What comes after that is not kept. Never calls `done` for a request
 * that breaks off: whoever holds the response hears of it by its `close` event.
 */
export function readBody(req: IncomingMessage, maxBytes: number, done: (body: Body) => void): void {
  // A request that is aborted emits an error; without a listener it would end the process.
  req.on("error", ignore);
  if (Number(req.headers["content-length"] ?? 0) > maxBytes) {
    req.resume();
    done(undefined);
    return;
  }
  let chunks: Buffer[] = [];
  let length = 0;
  const onData = (chunk: Buffer): void => {
    length += chunk.length;
    if (length <= maxBytes) {
      chunks.push(chunk);
      return;
    }
    chunks = [];
    req.removeListener("data", onData);
    req.removeListener("end", onEnd);
    req.resume();
    done(undefined);
  };
  const onEnd = (): void => {
    const [first] = chunks;
    done(chunks.length === 1 ? first : Buffer.concat(chunks, length));
  };
  req.on("data", onData);
  req.on("end", onEnd);
}

function ignore(): void {}
