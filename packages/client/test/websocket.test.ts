import { TransportError } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import * as standard from "../src/index.js";
import { leanParts } from "../src/lean/features.js";
import { standardParts } from "../src/standard/features.js";
import * as lean from "../src/websocket.js";
import { FakeServer } from "./fake-server.js";

const PARSER = {
  Encoder: class {
    encode(): string[] {
      return [""];
    }
  },
  Decoder: class {
    add(): void {}
    on(): void {}
  },
};

describe("the lean entry", () => {
  it("makes sockets of the same class, over managers of its own", () => {
    const socket = lean.io("http://lean.example", { autoConnect: false });
    expect(socket).toBeInstanceOf(standard.Socket);
    expect(socket.io).toBeInstanceOf(lean.Manager);
    expect(socket.io).not.toBeInstanceOf(standard.Manager);
    expect(standard.io("http://lean.example", { autoConnect: false }).io).not.toBe(socket.io);
  });

  it("knows WebSocket and no other transport", async () => {
    const manager = new lean.Manager("http://lean.example", { transports: ["polling"], autoConnect: false });
    const error = await new Promise<Error | undefined>((done) => manager.open(done));
    expect(error).toBeInstanceOf(TransportError);
    expect(error).toMatchObject({ code: "ERR_TRANSPORT_UNKNOWN" });
    const names = ({ transports }: typeof leanParts): string[] =>
      transports.map(({ transportName }) => transportName);
    expect([names(leanParts), names(standardParts)]).toEqual([
      ["websocket"],
      ["polling", "websocket", "stream", "sse"],
    ]);
  });

  it("takes a codec, and refuses a parser in Socket.IO's shape", () => {
    const { codecOf } = leanParts;
    const codec = standardParts.codecOf(PARSER);
    expect(codecOf(codec)).toBe(codec);
    expect(() => codecOf(PARSER)).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });

  it("stays on its transport, whatever the server offers", () => {
    const server = new FakeServer();
    server.upgrades = ["websocket"];
    const options = { transports: server.transports("polling", "websocket") };
    const manager = new lean.Manager("http://server", options, server.clock);
    manager.socket("/");
    server.settle();
    expect([manager._readyState, server.dials.map(({ name }) => name)]).toEqual(["open", ["polling"]]);
  });

  it("says so where something is asked of it that it does not know", () => {
    const refusal = expect.objectContaining({ code: "ERR_BAD_OPTION" });
    expect(() => lean.io("http://lean.example", { autoConnect: false, forceNew: true, retries: 1 })).toThrow(
      refusal,
    );
    const socket = lean.io("http://lean.example", { autoConnect: false, forceNew: true });
    expect(() => socket.io.engine).toThrow(refusal);
    expect(() => socket.emit("x", new Blob(["x"]))).toThrow(
      expect.objectContaining({ code: "ERR_UNENCODABLE" }),
    );
    expect(socket.sendBuffer).toEqual([]);
  });
});
