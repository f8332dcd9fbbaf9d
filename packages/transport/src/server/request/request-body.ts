import type { IncomingMessage } from "node:http";
import { GrowingBytes } from "../../shared/growing-bytes.js";

/** What became of a body: its bytes, or `undefined` if it has more than allowed. */
export type Body = Buffer | undefined;

/**
 * Collects the body of a request and calls `done` once: with the bytes at its end, or with `undefined` as soon as the
 * declared or the received length exceeds the limit. What comes after that is not kept. Never calls `done` for a request
 * that breaks off: the holder of the response learns of it by its `close` event.
 *
 * What has come is copied into memory that grows with it. A list of the chunks would cost hundreds of bytes for each, and
 * the client decides how small they are.
 *
 * @param came told how many bytes have come, of each piece
 */
export function readBody(
  req: IncomingMessage,
  maxBytes: number,
  done: (body: Body) => void,
  came?: (bytes: number) => void,
): void {
  // A request that is aborted emits an error; without a listener it would end the process.
  req.on("error", ignore);
  if (Number(req.headers["content-length"] ?? 0) > maxBytes) {
    req.resume();
    done(undefined);
    return;
  }
  let body = new GrowingBytes();
  const onData = (chunk: Buffer): void => {
    came?.(chunk.length);
    if (body.length + chunk.length <= maxBytes) {
      body.append(chunk, maxBytes);
      return;
    }
    body = new GrowingBytes();
    req.removeListener("data", onData);
    req.removeListener("end", onEnd);
    req.resume();
    done(undefined);
  };
  const onEnd = (): void => done(body.bytes);
  req.on("data", onData);
  req.on("end", onEnd);
}

function ignore(): void {}
