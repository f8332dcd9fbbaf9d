import type { FirstRequest } from "@sockeye/engine/server";
import { ownText } from "@sockeye/engine/server";
import type { ConnectPacket, Limits, SocketId } from "@sockeye/protocol";

/**
 * What is different for clients of Socket.IO 2, which speak revision 3 of the engine protocol and revision 4 of Socket.IO's.
 * They are in `/` without asking; what they say about themselves stands in the query of a namespace's name; and they take
 * the id of the connection for that of their socket.
 *
 * @see PROTOCOL.md, "Revision 3"
 */

/** Does this connection belong to one? */
export function isEio3({ first }: { readonly first: FirstRequest }): boolean {
  return first.protocol === 3;
}

/** The limits of a codec that reads what such a client sends; the name and the query are checked by {@link splitQuery}. */
export function eio3Limits(limits: Limits): Limits {
  return { ...limits, maxNamespaceLength: Number.POSITIVE_INFINITY };
}

/**
 * The query of a namespace's name as the data of a CONNECT, which is where newer clients put it. `undefined` if the name
 * is too long.
 */
export function splitQuery(packet: ConnectPacket, limits: Limits): ConnectPacket | undefined {
  const question = packet.nsp.indexOf("?");
  const nsp = question === -1 ? packet.nsp : packet.nsp.slice(0, question);
  if (nsp.length > limits.maxNamespaceLength) return undefined;
  if (question === -1) return packet;
  if (Buffer.byteLength(packet.nsp) - Buffer.byteLength(nsp) > limits.maxAuthBytes) {
    return { ...packet, nsp, data: undefined, oversized: true };
  }
  // Without a prototype, since the names are the peer's. The values are not to keep the packet, or the body that it came in.
  const data: Record<string, unknown> = Object.create(null);
  for (const [key, value] of new URLSearchParams(packet.nsp.slice(question))) data[key] = ownText(value);
  return { ...packet, nsp, data };
}

/** The id that such a client expects its socket to have. */
export function eio3SocketId(namespace: string, sessionId: string): SocketId {
  return namespace === "/" ? sessionId : `${namespace}#${sessionId}`;
}
