import type {
  BroadcastOperator,
  DefaultEventsMap,
  DisconnectReason,
  ExtendedError,
  Handshake,
  Namespace,
  RemoteSocket,
  Server,
  ServerOptions,
  Socket,
} from "@sockeye/server";
import type {
  Namespace as StockNamespace,
  BroadcastOperator as StockOperator,
  ServerOptions as StockOptions,
  DisconnectReason as StockReason,
  RemoteSocket as StockRemote,
  Server as StockServer,
  Socket as StockSocket,
} from "socket.io";
import { describe, expectTypeOf, it } from "vitest";

interface ClientToServer {
  save: (draft: { text: string }, ack: (id: number) => void) => void;
  leave: () => void;
}
interface ServerToClient {
  none: () => void;
  news: (text: string, at: number) => void;
  ask: (question: string, ack: (answer: boolean) => void) => void;
  done: (ack: () => void) => void;
}
interface InterServer {
  ping: (from: string, ack: (load: number) => void) => void;
}
interface Data {
  user: string;
}

/** Events with one name. */
type Loose<Name extends string> = Record<Name, () => void>;

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

  it("emitWithAck only of events that have an acknowledgement", () => {
    type First<T extends (...args: never) => unknown> = Parameters<T>[0];
    type With = "ask" | "done";
    const calls = [
      socket,
      socket.timeout(1),
      socket.volatile,
      io,
      io.timeout(1),
      socket.broadcast,
      socket.to("room"),
    ];
    expectTypeOf<First<(typeof calls)[number]["emitWithAck"]>>().toEqualTypeOf<With>();
    expectTypeOf<First<typeof io.serverSideEmitWithAck>>().toEqualTypeOf<"ping">();
    // Where the types do not say, all do.
    expectTypeOf<First<Socket["emitWithAck"]>>().toEqualTypeOf<string>();
    expectTypeOf<
      First<Socket<{ any: (...args: unknown[]) => void; may: (ack?: () => void) => void }>["emitWithAck"]>
    >().toEqualTypeOf<"any" | "may">();
    expectTypeOf<First<StockSocket<ClientToServer, ServerToClient>["emitWithAck"]>>().toEqualTypeOf<With>();
  });

  it("emitWithAck", () => {
    expectTypeOf(socket.emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(stockSocket.emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(socket.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(stockSocket.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean>>();
    expectTypeOf(io.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(stockIo.timeout(1).emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(io.emitWithAck("ask", "a")).toEqualTypeOf<Promise<boolean[]>>();
    expectTypeOf(socket.emitWithAck("done")).toEqualTypeOf<Promise<undefined>>();
    expectTypeOf(io.emitWithAck("done")).toEqualTypeOf<Promise<undefined[]>>();
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

  it("reserved events", () => {
    io.on("connect", (each) => expectTypeOf(each).toEqualTypeOf(socket));
    io.of("/x").once("connection", (each) => expectTypeOf(each).toEqualTypeOf(socket));
    io.on("new_namespace", (namespace) => expectTypeOf(namespace.name).toBeAny());
    socket.on("disconnecting", (reason) => expectTypeOf(reason).toEqualTypeOf<DisconnectReason>());
    socket.on("disconnect", (reason, description) => {
      expectTypeOf(reason).toEqualTypeOf<DisconnectReason>();
      // As in Socket.IO: `description?.message` compiles.
      expectTypeOf(description).toBeAny();
    });
    socket.on("error", (error) => expectTypeOf(error).toEqualTypeOf<Error>());
    stockSocket.on("error", (error) => expectTypeOf(error).toEqualTypeOf<Error>());
    // What either has for a reason, the other has.
    expectTypeOf<DisconnectReason>().toEqualTypeOf<StockReason>();
    // @ts-expect-error not the app's to emit
    socket.emit("disconnect");
    // @ts-expect-error not the app's to emit
    stockSocket.emit("disconnect");
    // @ts-expect-error not the app's to emit
    io.serverSideEmit("connection");
    // @ts-expect-error not the app's to emit
    io.emit("connect");
  });

  it("the four parameters reach everything that a server hands out", () => {
    expectTypeOf(io.of("/x")).toEqualTypeOf<Namespace<ClientToServer, ServerToClient, InterServer, Data>>();
    expectTypeOf(io.sockets.sockets).toEqualTypeOf<Map<string, typeof socket>>();
    expectTypeOf(io.to("a").except("b")).toEqualTypeOf<BroadcastOperator<ServerToClient, Data>>();
    expectTypeOf(socket.broadcast).toEqualTypeOf<BroadcastOperator<ServerToClient, Data>>();
    expectTypeOf(io.in("a").fetchSockets()).resolves.items.toEqualTypeOf<
      RemoteSocket<ServerToClient, Data>
    >();
    expectTypeOf(io.of("/x").server).toExtend<Server<ClientToServer, ServerToClient, InterServer, Data>>();
    io.use((each, next) => {
      expectTypeOf(each).toEqualTypeOf(socket);
      expectTypeOf(each.handshake).toEqualTypeOf<Handshake>();
      expectTypeOf(next).parameter(0).toEqualTypeOf<ExtendedError | undefined>();
    });
    io.of(/x/).on("connection", (each) => expectTypeOf(each.data).toEqualTypeOf<Data>());
    // A function that takes any server learns all four from the one that it gets.
    const four = <L extends DefaultEventsMap, E extends DefaultEventsMap, S extends DefaultEventsMap, D>(
      _: Server<L, E, S, D>,
    ): [L, E, S, D] => anything as [L, E, S, D];
    const typed = anything as Server<Loose<"a">, Loose<"b">, Loose<"c">, Data>;
    expectTypeOf(four(typed)).toEqualTypeOf<[Loose<"a">, Loose<"b">, Loose<"c">, Data]>();
  });

  it("parameters that are left out", () => {
    expectTypeOf<Server>().toEqualTypeOf<
      // biome-ignore lint/suspicious/noExplicitAny: it is what Socket.IO has
      Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, any>
    >();
    // What is listened for is what is emitted, as in Socket.IO.
    expectTypeOf<Server<ClientToServer>>().toEqualTypeOf<Server<ClientToServer, ClientToServer>>();
    expectTypeOf<StockServer<ClientToServer>>().toEqualTypeOf<StockServer<ClientToServer, ClientToServer>>();
    expectTypeOf<Socket<ClientToServer>>().toEqualTypeOf<Socket<ClientToServer, ClientToServer>>();
    expectTypeOf<Socket["data"]>().toBeAny();
    expectTypeOf<StockSocket["data"]>().toBeAny();
  });

  it("have what Socket.IO's have", () => {
    // Names, not the symbols of Node.js's emitter. `tenant` is what an app in test/interop/typed-app has added.
    type Lacks<Stock, Own> = Exclude<keyof Stock & string, keyof Own | `_${string}` | "tenant">;
    // For µWebSockets.js.
    expectTypeOf<Lacks<StockServer, Server>>().toEqualTypeOf<"attachApp">();
    expectTypeOf<Lacks<StockNamespace, Namespace>>().toBeNever();
    expectTypeOf<Lacks<StockSocket, Socket>>().toBeNever();
    expectTypeOf<Lacks<StockOperator<Loose<"a">, Data>, BroadcastOperator<Loose<"a">, Data>>>().toBeNever();
    expectTypeOf<Lacks<StockRemote<Loose<"a">, Data>, RemoteSocket<Loose<"a">, Data>>>().toBeNever();
    expectTypeOf<Lacks<StockSocket["handshake"], Handshake>>().toBeNever();
    expectTypeOf<Lacks<StockOptions, ServerOptions>>().toBeNever();
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
