// What handles.test.ts opens in an editor to see an app with a contract. After each `/*…*/` it asks.
import { io } from "@sockeye/client";
import { call, contract, event, stream, type } from "@sockeye/contract";
import { calls, streams } from "@sockeye/contract/client";
import { rooms } from "@sockeye/rooms/client";
import { Server } from "@sockeye/server";
import { z } from "zod";

interface User {
  readonly name: string;
}
const chat = contract({
  toServer: {
    say: event(z.object({ text: z.string() })),
    rename: call(z.string(), { answer: z.boolean() }),
    ask: stream(z.string(), { item: z.string(), end: z.number() }),
  },
  toClient: { said: event(type<User>(), z.string()) },
  data: type<{ user: User }>(),
  rooms: ["lobby", "doc:+"],
});

const server = new Server({ contract: chat });
server.on("connection", (typedSocket) => {
  typedSocket.on("say", (message) => message.text);
  typedSocket.emit("said", { name: "Ada" }, "hello");
});
server.to("lobby").emit("said", { name: "Ada" }, "hello");
server.handle("rename", (name, { socket: caller }) => name !== caller.data.user.name);
server.stream("ask", async function* (prompt) {
  yield prompt;
  return 1;
});

const typedClient = io("/", { contract: chat, extend: [calls, streams, rooms] });
typedClient.on("said", (who, words) => [who, words]);
typedClient.emit("say", { text: "hello" });
typedClient.call("rename", "Ada");
typedClient.stream("ask", "why");
typedClient.room("doc:1").on("said", (from) => from);
