import type {
  Manager as StockManager,
  ManagerReservedEvents as StockManagerEvents,
  ManagerOptions as StockOptions,
  Socket as StockSocket,
  SocketReservedEvents as StockSocketEvents,
} from "socket.io-client";
import { describe, expectTypeOf, it } from "vitest";
import type {
  DefaultEventsMap,
  ManagerOptions,
  ManagerReservedEvents,
  Options,
  SocketOptions,
  SocketReservedEvents,
} from "../src/index.js";
import { io, Manager, type Socket } from "../src/index.js";

interface FromServer {
  news: (title: string, n: number) => void;
  ask: (text: string, answer: (yes: boolean) => void) => void;
}

interface ToServer {
  save: (draft: { text: string }, ack: (id: number) => void) => void;
  safe: (ack: (error: Error, id: number) => void) => void;
  leave: () => void;
}

const OFF = { autoConnect: false, forceNew: true };
const socket: Socket<FromServer, ToServer> = io("http://a.example", OFF);
const loose: Socket = io("http://a.example", OFF);

// The checks are the compiler's: a test here fails in `npm run types`.
describe("types of the client", () => {
  it("handlers", () => {
    socket.on("news", (title, n) => {
      expectTypeOf(title).toEqualTypeOf<string>();
      expectTypeOf(n).toEqualTypeOf<number>();
    });
    socket.once("ask", (_text, answer) => expectTypeOf(answer).toEqualTypeOf<(yes: boolean) => void>());
    socket.on("connect", () => {});
    socket.on("connect_error", (error) => {
      expectTypeOf(error).toExtend<Error>();
      expectTypeOf(error.data).toBeAny();
    });
    socket.on("disconnect", (reason, description) => {
      expectTypeOf(reason).toEqualTypeOf<Socket.DisconnectReason>();
      expectTypeOf(description).toEqualTypeOf<
        Error | { readonly description: string; readonly context?: unknown } | undefined
      >();
    });
    // @ts-expect-error no such event
    socket.on("save", () => {});
    loose.on("anything", (a) => expectTypeOf(a).toBeAny());
  });

  it("emit", () => {
    expectTypeOf(socket.emit("leave")).toEqualTypeOf<Socket<FromServer, ToServer>>();
    socket.emit("save", { text: "x" }, (id) => expectTypeOf(id).toEqualTypeOf<number>());
    // @ts-expect-error an argument is missing
    socket.emit("save", { text: "x" });
    // @ts-expect-error an event of the other direction
    socket.emit("news", "x", 1);
    loose.emit("anything", 1, "b", (answer: string) => answer);
    loose.emit("nothing");
  });

  it("timeout puts an error first", () => {
    socket.timeout(1).emit("save", { text: "x" }, (error, id) => {
      expectTypeOf(error).toEqualTypeOf<Error>();
      expectTypeOf(id).toEqualTypeOf<number>();
    });
    loose.timeout(1).emit("anything", (error: Error, answer: string) => [error, answer]);
    socket.volatile.emit("leave");
    socket.compress(false).emit("leave");
  });

  it("emitWithAck", () => {
    const calls = (): unknown[] => [
      expectTypeOf(socket.emitWithAck("save", { text: "x" })).toEqualTypeOf<Promise<number>>(),
      expectTypeOf(socket.emitWithAck("safe")).toEqualTypeOf<Promise<number>>(),
      expectTypeOf(socket.timeout(1).emitWithAck("save", { text: "x" })).toEqualTypeOf<Promise<number>>(),
      expectTypeOf(loose.emitWithAck("anything", 1)).resolves.toBeAny(),
    ];
    expectTypeOf(calls).toBeFunction();
  });

  it("managers", () => {
    const manager = new Manager<FromServer, ToServer>("http://a.example", OFF);
    expectTypeOf(manager.socket("/")).toEqualTypeOf<Socket<FromServer, ToServer>>();
    manager.on("reconnect_attempt", (n) => expectTypeOf(n).toEqualTypeOf<number>());
    manager.on("close", (reason) => expectTypeOf(reason).toExtend<string>());
    // @ts-expect-error no such event
    manager.on("connect", () => {});
    expectTypeOf(socket.io.engine.transport).toExtend<{ readonly name: string }>();
    socket.io.engine.on("upgrade", (transport) => expectTypeOf(transport.name).toEqualTypeOf<string>());
    socket.io.on("reconnect", (n) => expectTypeOf(n).toEqualTypeOf<number>());
    expectTypeOf(socket.io.reconnection()).toEqualTypeOf<boolean>();
    expectTypeOf(socket.io.socket("/other")).toEqualTypeOf<Socket>();
  });

  it("options", () => {
    expectTypeOf<Options>().toEqualTypeOf<Partial<ManagerOptions & SocketOptions>>();
    // @ts-expect-error not a number
    const wrong: Options = { retries: "3" };
    expectTypeOf(wrong).toExtend<object>();
    const right: Options = {
      auth: (tell) => tell({ token: "x" }),
      transports: ["websocket"],
      timeout: false,
      transportOptions: { polling: { extraHeaders: { a: "b" } } },
    };
    expectTypeOf(right).toExtend<object>();
  });

  it("reserved events", () => {
    expectTypeOf<keyof SocketReservedEvents>().toEqualTypeOf<keyof StockSocketEvents>();
    expectTypeOf<keyof ManagerReservedEvents>().toEqualTypeOf<
      keyof StockManagerEvents | "suspend" | "resume"
    >();
    type Ours = Parameters<ManagerReservedEvents["reconnect_attempt" | "reconnect"]>;
    expectTypeOf<Ours>().toEqualTypeOf<Parameters<StockManagerEvents["reconnect_attempt" | "reconnect"]>>();
    // Socket.IO's type leaves out `forced close`, which its client gives as well.
    expectTypeOf<Exclude<Socket.DisconnectReason, "forced close">>().toEqualTypeOf<
      Exclude<StockSocket.DisconnectReason, "forced close">
    >();
    const emits = (): unknown[] => [
      // @ts-expect-error not the app's to emit
      socket.emit("connect"),
      // @ts-expect-error not the app's to emit
      socket.emit("disconnect"),
    ];
    expectTypeOf(emits).toBeFunction();
  });

  it("parameters that are left out", () => {
    expectTypeOf<Socket>().toEqualTypeOf<Socket<DefaultEventsMap, DefaultEventsMap>>();
    expectTypeOf<Socket<FromServer>>().toEqualTypeOf<Socket<FromServer, FromServer>>();
    expectTypeOf<StockSocket<FromServer>>().toEqualTypeOf<StockSocket<FromServer, FromServer>>();
  });

  it("have what Socket.IO's have", () => {
    expectTypeOf<Exclude<keyof StockSocket, keyof Socket>>().toBeNever();
    type Internal = "emit" | "_autoConnect" | "_close" | "_destroy" | "_packet";
    expectTypeOf<Exclude<keyof StockManager, keyof Manager | Internal>>().toBeNever();
    expectTypeOf<Exclude<keyof StockOptions, keyof Options>>().toBeNever();
  });
});
