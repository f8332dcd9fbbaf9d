import { IncomingMessage } from "node:http";

/** Counts the pieces that requests and answers of HTTP in this process have got. */
export function countPieces(): { readonly count: number; end(): void } {
  const prototype = IncomingMessage.prototype;
  const original = prototype.push;
  const counted = {
    count: 0,
    end: () => {
      prototype.push = original;
    },
  };
  prototype.push = function (...args) {
    counted.count++;
    return original.apply(this, args);
  };
  return counted;
}

/** Of a body of HTTP. */
export const oneByteChunks = (count: number): Buffer => Buffer.from("1\r\n4\r\n".repeat(count), "latin1");
