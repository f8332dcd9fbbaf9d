// What handles.test.ts opens in an editor. After each `/*…*/` it asks.

import type { Socket as ClientSocket, Manager } from "@sockeye/client";
import type { BroadcastOperator, Namespace, RemoteSocket, Socket } from "@sockeye/server";
import { Server } from "@sockeye/server";

interface ToServer {
  join: (room: string) => void;
  ask: (question: string, answer: (text: string) => void) => void;
}
interface ToClient {
  news: (text: string, at: number) => void;
  score: (game: string, answer: (points: number) => void) => void;
}
interface Between {
  ping: () => void;
}
interface Data {
  name: string;
}

const io = new Server<ToServer, ToClient, Between, Data>();
io.on("connection", (socket) => {
  socket.emit("news", "hello", 1);
  socket.emitWithAck("score", "chess");
  socket.volatile.emit("news", "maybe", 3);
  socket.data;
  socket.nsp;
  socket.on("ask", (question, answer) => answer(question));
});
io.to("room").emit("news", "all", 2);
io.fetchSockets();

declare const client: ClientSocket<ToClient, ToServer>;
client.emit("join", "room");
client.emitWithAck("ask", "why");

export type Handles = {
  Server: Server<ToServer, ToClient, Between, Data>;
  Namespace: Namespace<ToServer, ToClient, Between, Data>;
  Socket: Socket<ToServer, ToClient, Between, Data>;
  BroadcastOperator: BroadcastOperator<ToClient, Data>;
  RemoteSocket: RemoteSocket<ToClient, Data>;
  ClientSocket: ClientSocket<ToClient, ToServer>;
  Manager: Manager<ToClient, ToServer>;
};
