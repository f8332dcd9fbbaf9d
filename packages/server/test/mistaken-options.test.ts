import { Server } from "@sockeye/server";
import { Server as StockServer } from "socket.io";
import { describe, expect, it } from "vitest";

const code = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  return undefined;
};

describe("transports", () => {
  it.each<[string, unknown, string | undefined]>([
    ["a text", "websocket", "websocket"],
    ["a text that is none", "carrier pigeon", undefined],
    ["an abbreviation", ["ws"], "websocket"],
    ["a plural", ["websockets"], "websocket"],
    ["another case", ["WebSocket"], "websocket"],
    ["a hyphen", ["web-socket"], "websocket"],
    ["a longer name", ["xhr-polling"], "polling"],
    ["one of two", ["polling", "webSocket"], "websocket"],
    ["an empty list", [], undefined],
    ["a number", 1, undefined],
    ["a list of numbers", [1], undefined],
    ["an object", { websocket: true }, undefined],
    ["a hole", [undefined], undefined],
  ])("%s is refused at construction", (_, transports, meant) => {
    const error = code(() => new Server({ transports: transports as never })) as Error & { code: string };
    expect(error.code).toBe("ERR_BAD_OPTION");
    expect(error.message).toMatch(/^The option transports is a list of polling, websocket, /);
    if (meant === undefined) expect(error.message).not.toMatch(/Did you mean/);
    else expect(error.message.endsWith(`Did you mean ["${meant}"]?`)).toBe(true);
    expect(code(() => new Server().attach(0, { transports: transports as never }))).toMatchObject({
      code: "ERR_BAD_OPTION",
    });
  });

  it.each([
    [undefined],
    [["polling"]],
    [["websocket", "polling"]],
    [["webtransport", "sse", "stream", "iframe", "jsonp"]],
  ])("%j is taken", (transports) => {
    expect(code(() => new Server({ transports: transports as never }))).toBeUndefined();
  });

  it("the compiler points at the mistaken value", () => {
    const mistakes = (): unknown[] => [
      new Server({
        transports: [
          // @ts-expect-error websocket
          "websockets",
        ],
      }),
      new Server({
        limits: {
          // @ts-expect-error maxRoomsPerSocket
          maxRoomPerSocket: 1,
        },
      }),
    ];
    expect(mistakes).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });

  it("a typo does not compile", () => {
    // @ts-expect-error not a transport
    expect(code(() => new Server({ transports: ["websockets"] }))).toBeDefined();
    // @ts-expect-error not a list
    expect(code(() => new Server({ transports: "websocket" }))).toBeDefined();
  });
});

describe.each([
  ["null", null],
  ["an empty text", ""],
  ["undefined", undefined],
])("new Server(%s)", (_, server) => {
  it("has no HTTP server", async () => {
    for (const io of [new Server(server as never), new StockServer(server as never)]) {
      if (io instanceof Server || server !== "") expect(io.httpServer).toBeUndefined();
      expect(io.of("/").sockets.size).toBe(0);
    }
  });
});

it("attach with an empty text is refused", () => {
  for (const port of ["", " "])
    expect(code(() => new Server().attach(port))).toMatchObject({ code: "ERR_BAD_OPTION" });
});
