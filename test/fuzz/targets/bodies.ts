import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import { createServer, type Server, type Socket } from "node:net";
import { httpRequest, httpStream } from "../../../packages/transport/src/client/node/http.js";
import { readBody } from "../../../packages/transport/src/server/request/request-body.js";
import { within } from "../../support/wait.js";
import { cutAt, cutsOf } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Target, target } from "../target.js";
import { text } from "../values.js";

/** A body, where it is cut, and how many bytes of it are taken. */
interface BodyInput {
  readonly bytes: string;
  readonly cuts: readonly number[];
  readonly maxBytes: number;
  readonly declared: boolean;
}

function body(random: Random): BodyInput {
  const length = random.chance(0.1) ? random.below(20_000) : random.below(400);
  const bytes = random.chance(0.5) ? random.bytes(length) : Buffer.from(text(random));
  // Also byte by byte, and with pieces of nothing.
  const cuts = random.chance(0.3)
    ? Array.from({ length: bytes.length }, (_, at) => at)
    : cutsOf(random, bytes.length);
  const near = bytes.length + random.below(3) - 1;
  return {
    bytes: bytes.toString("base64"),
    cuts,
    maxBytes: Math.max(0, random.chance(0.3) ? near : 1e6),
    declared: random.chance(0.3),
  };
}

/** What clients send: whole, or refused as too large. */
export const bodies: Target = target<BodyInput>({
  name: "bodies",
  cases: 3_000,
  generate: body,
  run: ({ bytes, cuts, maxBytes, declared }, meter) => {
    const whole = Buffer.from(bytes, "base64");
    const wanted = whole.length <= maxBytes ? whole : undefined;
    const headers = declared ? { "content-length": `${whole.length}` } : {};
    const req = Object.assign(new EventEmitter(), { headers, resume() {} });
    const got: (Buffer | undefined)[] = [];
    readBody(req as unknown as IncomingMessage, maxBytes, (read) => got.push(read));
    meter.time(() => {
      for (const piece of cutAt(whole, cuts)) {
        const lent = Buffer.from(piece);
        req.emit("data", lent);
        // The network may use its memory again.
        lent.fill(0);
      }
      req.emit("end");
    });
    check(got.length === 1, "a body is told of more or less than once", () => got.length);
    check(
      wanted === undefined ? got[0] === undefined : got[0]?.equals(wanted) === true,
      "a body is another one than was sent",
      () => [got[0]?.toString("base64"), maxBytes],
    );
  },
});

let server: Server | undefined;
let port = 0;
let answer: (socket: Socket) => void = () => {};

/** What servers answer, to a client on Node.js: in one piece at the end, or as it comes. */
export const answers: Target = target<BodyInput>({
  name: "answers",
  cases: 100,
  generate: body,
  begin: async () => {
    server = createServer((socket) => {
      socket.on("error", () => {});
      socket.once("data", () => answer(socket));
    });
    await new Promise<void>((resolve) => server?.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    port = typeof address === "object" && address !== null ? address.port : 0;
  },
  end: () => new Promise((resolve) => void server?.close(() => resolve())),
  run: async (input) => {
    await receive(input, "whole");
    await receive(input, "stream");
  },
});

async function receive({ bytes, cuts }: BodyInput, how: "whole" | "stream"): Promise<void> {
  const whole = Buffer.from(bytes, "base64");
  answer = (socket) => {
    socket.write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n");
    for (const piece of cutAt(whole, cuts)) {
      if (piece.length === 0) continue;
      socket.write(`${piece.length.toString(16)}\r\n`);
      socket.write(piece);
      socket.write("\r\n");
    }
    socket.end("0\r\n\r\n");
  };
  const options = { withCredentials: false, requestTimeoutMs: 0 };
  const address = `http://127.0.0.1:${port}/`;
  const pieces: Uint8Array[] = [];
  const asked =
    how === "whole"
      ? httpRequest(address, options)
      : httpStream(address, options, (piece) => pieces.push(Uint8Array.from(piece)));
  const { status, responseText } = await within(asked.answer, "an answer");
  const wanted = how === "whole" ? whole.toString() : "";
  check(status === 200 && responseText === wanted, "another answer than was sent", () => responseText);
  check(how === "whole" || Buffer.concat(pieces).equals(whole), "a stream of other bytes than were sent");
}
