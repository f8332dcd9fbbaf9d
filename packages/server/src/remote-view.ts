import type { RemoteDetails } from "@sockeye/cluster";
import { ForeignView } from "./foreign-view.js";
import type { Handshake } from "./handshake.js";
import type { Socket } from "./socket.js";

/** Headers that would let their reader take the client's place. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "cookie",
  "proxy-authorization",
  "sec-websocket-key",
]);

/** What other nodes are told of a socket. What cannot be sent is left out, and told. */
export function describeSocket(socket: Socket, handshakes: "public" | "full"): RemoteDetails {
  const view = new ForeignView(socket);
  const { handshake } = view;
  return {
    id: socket.id,
    rooms: [...socket.rooms],
    data: view.data,
    handshake: handshakes === "full" ? handshake : withoutSecrets(handshake),
  };
}

function withoutSecrets(handshake: Handshake): Handshake {
  const { headers, url } = handshake;
  const open = Object.entries(headers).filter(([name]) => !SECRET_HEADERS.has(name));
  return {
    ...handshake,
    headers: Object.fromEntries(open),
    url: url.split("?", 1)[0] ?? "",
    query: {},
    auth: {},
  };
}
