import { createRequire } from "node:module";

/** One packet of revision 3, as the parser of Socket.IO 2 has it. */
export interface StockPacket {
  readonly type: string;
  readonly data?: unknown;
}

/** What is used of engine.io-parser 2. */
export interface StockParser {
  encodePacket(packet: StockPacket, supportsBinary: boolean, done: (frame: unknown) => void): void;
  decodePacket(frame: unknown): StockPacket;
  encodePayload(
    packets: readonly StockPacket[],
    supportsBinary: boolean,
    done: (body: unknown) => void,
  ): void;
  decodePayload(body: unknown, each: (packet: StockPacket) => void): void;
}

const require = createRequire(import.meta.url);
const client = createRequire(require.resolve("socket.io-client-2/package.json"));

/** The parser that socket.io-client 2 brings along. */
export const stockParser: StockParser = client("engine.io-parser") as StockParser;
