import type { Codec, Limits } from "@sockeye/protocol";
import { createMsgpackCodec as create } from "@sockeye/session/msgpack";
import { TRUSTED } from "./accepted.js";

/**
 * Packets as MessagePack, one binary frame each, attachments included: the format of `socket.io-msgpack-parser`. Give it to
 * both ends as the option `parser`. Dates and `undefined` arrive as what they were.
 *
 * @param limits of what the server sends; by default there are none
 */
export function createMsgpackCodec(
  limits: Partial<Limits> = TRUSTED,
  received?: Parameters<typeof create>[1],
): Codec {
  return create(limits, received);
}
