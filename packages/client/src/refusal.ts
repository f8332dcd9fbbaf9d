import type { ConnectErrorPacket } from "@sockeye/protocol";
import { NamespaceError } from "@sockeye/protocol";

/** What the server has refused a socket with. */
export function refusalOf({ data: { message, data } }: ConnectErrorPacket): NamespaceError {
  const code = message === "Invalid namespace" ? "ERR_INVALID_NAMESPACE" : "ERR_CONNECT_REFUSED";
  return new NamespaceError(code, message, data);
}

/** A server of Socket.IO 2 lets everybody in, and says so in another way. */
export function v2Server(): NamespaceError {
  return new NamespaceError("ERR_V2_SERVER", "It seems you are trying to reach a Socket.IO server in v2.x");
}
