import "../support/follow-fakes.js";
// Whatever ends a session, nothing of it is left: counted, on every transport.
import { ServerResponse } from "node:http";
import { Server, type Socket } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { Connection } from "../../packages/server/src/connection.js";
import { Socket as ServerSocket } from "../../packages/server/src/socket.js";
import { Session } from "../../packages/session/src/session.js";
import { Acks } from "../../packages/socket/src/acks.js";
import { PollingPipe } from "../../packages/transport/src/server/http/polling.js";
import { StreamResponse } from "../../packages/transport/src/server/http/stream-response.js";
import { StreamingPipe } from "../../packages/transport/src/server/http/streaming.js";
import { OwnWebSocketPipe } from "../../packages/transport/src/server/websocket/own-websocket.js";
import { WebSocketPipe } from "../../packages/transport/src/server/websocket/websocket.js";
import { WebTransportPipe } from "../../packages/transport/src/shared/webtransport-pipe.js";
import { ENDINGS, type Ending } from "./endings.js";
import { itHolds } from "./heap.js";
import { until } from "./real-time.js";
import { atEnd, type Counted, expectNothingLeft, pass, ready, serve, VISITORS } from "./scene.js";
import { KINDS, type Kind, type Place, type Visitor } from "./visitors.js";

/** Everything that a socket may hold: rooms, acknowledgements with and without a timeout, an expiry, a promise. */
function furnish(socket: Socket, failures: unknown[]): void {
  const failed = ({ code }: { code: string }): void => void failures.push(code);
  socket.join(["a", `own-${socket.id}`]);
  socket.timeout(600_000).emitWithAck("never").catch(failed);
  socket.emitWithAck("not either").catch(failed);
  socket.expireAt(Date.now() + 3_600_000);
  socket.drained().catch(() => {});
}

async function comeIn(place: Place, kind: Kind, { admitted = true }: Ending): Promise<Visitor[]> {
  const visitors = await Promise.all(Array.from({ length: VISITORS }, () => kind.visit(place)));
  for (const visitor of visitors) atEnd(() => visitor.cut());
  for (const [n, visitor] of visitors.entries()) {
    if (admitted === "not asked for") continue;
    if (!kind.joinsByItself) visitor.send("40");
    if (admitted === true) visitor.send(`40/child-${n},`);
  }
  const heard = admitted === true ? "not either" : admitted === "refused" ? "nobody" : "sid";
  await until(() => visitors.every((visitor) => visitor.heard.includes(heard)), `all to hear ${heard}`);
  if (admitted === true)
    await until(() => place.io.metrics().namespaces === 1 + VISITORS, "child namespaces");
  return visitors;
}

describe.each(Object.entries(KINDS))("over %s nothing is left", (_name, kind) => {
  it.each(Object.entries(ENDINGS))("once %s", async (_how, ending) => {
    const place = await serve({ ...kind.options, ...ending.options });
    const { io } = place;
    const failures: unknown[] = [];
    const reasons: string[] = [];
    const sockets: Socket[] = [];
    io.on("connection", (socket) => {
      sockets.push(socket);
      socket.on("disconnect", (reason) => reasons.push(reason));
      furnish(socket, failures);
    });
    place.children.on("connection", (socket) => furnish(socket, failures));
    ending.prepare?.(io);
    const visitors = await comeIn(place, kind, ending);
    await ready(place);
    await ending.end({ io, visitors, sockets, pass, ready: () => ready(place) });

    await until(() => io.engine.clientsCount === 0, "the end of all sessions");
    if (ending.lingersMs) await pass(ending.lingersMs);
    await expectNothingLeft(place, ending.closes ? { listenersOfHttp: place.census.listenersOfHttp } : {});
    if (ending.reason) {
      expect(reasons).toEqual(Array(VISITORS).fill(expect.stringMatching(ending.reason)));
      expect(failures).toEqual(Array(4 * VISITORS).fill("ERR_ACK_DISCONNECTED"));
    }
    for (const visitor of visitors) visitor.cut();
    if (!ending.closes) await expectRoomForAll(place, kind);
  });
});

/** As many may come again: the count of their address is back at zero. */
async function expectRoomForAll(place: Counted, kind: Kind): Promise<void> {
  const again = await Promise.all(Array.from({ length: VISITORS }, () => kind.visit(place)));
  expect(place.io.engine.clientsCount).toBe(VISITORS);
  for (const visitor of again) visitor.cut();
}

describe("after all that, memory holds", () => {
  itHolds({
    Server,
    Connection,
    Session,
    Socket: ServerSocket,
    Acks,
    OwnWebSocketPipe,
    WebSocketPipe,
    PollingPipe,
    StreamingPipe,
    StreamResponse,
    WebTransportPipe,
    ServerResponse,
  });
});
