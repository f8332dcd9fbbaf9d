import type { RemoteSocket, Server, Socket } from "@sockeye/server";
import type { Server as StockServer, Socket as StockSocket } from "socket.io";
import { describe, expectTypeOf, it } from "vitest";

interface ClientToServer {
  save: (draft: { text: string }, ack: (id: number) => void) => void;
  leave: () => void;
}
interface ServerToClient {
  none: () => void;
  news: (text: string, at: number) => void;
  ask: (question: string, ack: (answer: boolean) => void) => void;
}
interface InterServer {
  ping: (from: string, ack: (load: number) => void) => void;
}
interface Data {
  user: string;
}

/** Whatever is read or called on it is itself again: the expressions below run, and mean something to the compiler only. */
const anything: unknown = new Proxy(() => {}, {
  get: (_, name) => (name === "then" ? undefined : anything),
  apply: () => anything,
});

const io = anything as Server<ClientToServer, ServerToClient, InterServer, Data>;
const stockIo = anything as StockServer<ClientToServer, ServerToClient, InterServer, Data>;
const socket = anything as Socket<ClientToServer, ServerToClient, InterServer, Data>;
const stockSocket = anything as StockSocket<ClientToServer, ServerToClient, InterServer, Data>;

describe("types of the server, beside Socket.IO's", () => {
  it("handlers", () => {
    io.on("connection", (each) => {
      expectTypeOf(each.data).toEqualTypeOf<Data>();
      each.on("save", (draft, ack) => {
        expectTypeOf(draft).toEqualTypeOf<{ text: string }>();
        expectTypeOf(ack).toEqualTypeOf<(id: number) => void>();
      });
      each.on("disconnect", (reason) => expectTypeOf(reason).toExtend<string>());
      // @ts-expect-error no such event
      each.on("news", () => {});
    });
    io.on("ping", (from, ack) => {
      expectTypeOf(from).toEqualTypeOf<string>();
      expectTypeOf(ack).toEqualTypeOf<(load: number) => void>();
    });
    // @ts-expect-error no event between servers
    io.on("save", () => {});
  });

  it("emit", () => {
    socket.emit("news", "a", 1);
    socket.emit("ask", "a", (answer) => expectTypeOf(answer).toEqualTypeOf<boolean>());
    stockSocket.emit("ask", "a", (answer) => expectTypeOf(answer).toEqualTypeOf<boolean>());
    // @ts-expect-error an argument is missing
    socket.emit("news", "a");
    // @ts-expect-error an event of the other direction
    socket.emit("leave");
    // @ts-expect-error an argument is missing
    io.emit("news", "a");
  });

  it("timeout", () => {
    socket.timeout(1).emit("ask", "a", (error, answer) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(answer).toEqualTypeOf<boolean>();
    });
    stockSocket.timeout(1).emit("ask", "a", (error, answer) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(answer).toEqualTypeOf<boolean>();
    });
  });

  it("emitWithAck", () => {
    expectTypeOf(socket.emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(stockSocket.emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(socket.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(stockSocket.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(io.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(stockIo.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(io.emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(socket.to("room").emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
  });

  it("broadcasts", () => {
    io.timeout(1).emit("ask", "a", (error, answers) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(answers).toEqualTypeOf<boolean[]>();
    });
    stockIo.timeout(1).emit("ask", "a", (error, answers) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(answers).toEqualTypeOf<boolean[]>();
    });
    for (const each of [io.to("a"), socket.to(["a"]), socket.broadcast, io.volatile, io.of("/x").local]) {
      each.except("b").compress(true).emit("news", "a", 1);
      // @ts-expect-error the second argument is a number
      each.emit("news", "a", "b");
      each.emit("none");
    }
  });

  it("between servers", () => {
    io.serverSideEmit("ping", "a", (error, loads) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(loads).toEqualTypeOf<number[]>();
    });
    expectTypeOf(io.serverSideEmitWithAck("ping", "a")).toEqualTypeOf<Promise<number[]>>();
    expectTypeOf(stockIo.serverSideEmitWithAck("ping", "a")).toEqualTypeOf<Promise<number[]>>();
    // @ts-expect-error an event for clients
    io.serverSideEmit("news", "a", 1);
  });

  it("sockets of other nodes", () => {
    expectTypeOf(io.fetchSockets()).toEqualTypeOf<Promise<RemoteSocket<ServerToClient, Data>[]>>();
    const remote = anything as RemoteSocket<ServerToClient, Data>;
    expectTypeOf(remote.data).toEqualTypeOf<Data>();
    expectTypeOf(remote.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
  });

  it("without a declaration everything goes", () => {
    const untyped = anything as Server;
    untyped.on("connection", (each) => {
      each.on("whatever", (a, b) => each.emit("back", a, b));
      each.data.anything = 1;
    });
    untyped
      .of("/x")
      .to("room")
      .emit("whatever", 1, {}, () => {});
  });
});
