import { Server, type ServerOptions } from "@sockeye/server";
import { Server as EngineServer } from "@sockeye/server/engine";
import { afterEach, describe, expect, it, vi } from "vitest";
import { watchWarnings } from "../../../test/support/warnings.js";

const warned = watchWarnings();
afterEach(() => vi.unstubAllEnvs());

describe("an option that does not exist", () => {
  it.each<[options: object, name: string, advice: string]>([
    [{ pingIntervall: 1000 }, "pingIntervall", ' Did you mean "pingInterval"?'],
    [{ maxHttpBufersize: 1 }, "maxHttpBufersize", ' Did you mean "maxHttpBufferSize"?'],
    [{ corss: {} }, "corss", ' Did you mean "cors"?'],
    [{ transport: ["websocket"] }, "transport", ' Did you mean "transports"?'],
    [{ corss: undefined }, "corss", ' Did you mean "cors"?'],
    [
      { limits: { maxRoomPerSocket: 1 } },
      "limits.maxRoomPerSocket",
      ' Did you mean "limits.maxRoomsPerSocket"?',
    ],
    [{ limits: { maxKeptRoom: 1 } }, "limits.maxKeptRoom", ' Did you mean "limits.maxKeptRooms"?'],
    [
      { maxRoomsPerSocket: 1 },
      "maxRoomsPerSocket",
      ' It belongs inside of "limits": { limits: { maxRoomsPerSocket: … } }.',
    ],
    [{ maxRoomPerSocket: 1 }, "maxRoomPerSocket", ' Did you mean "limits.maxRoomsPerSocket"?'],
    [{ windowMs: 1 }, "windowMs", ' It belongs inside of "resume": { resume: { windowMs: … } }.'],
    [{ maxPayload: 1 }, "maxPayload", ' Did you mean "maxHttpBufferSize"?'],
    [
      { limits: { pingTimeout: 1 } },
      "limits.pingTimeout",
      ' It belongs outside of "limits": { pingTimeout: … }.',
    ],
    [
      { limits: { maxMessageBytes: 1 } },
      "limits.maxMessageBytes",
      ' It belongs outside of "limits": { maxHttpBufferSize: … }.',
    ],
    [
      { connectionStateRecovery: { maxDisconectionDuration: 1 } },
      "connectionStateRecovery.maxDisconectionDuration",
      ' Did you mean "connectionStateRecovery.maxDisconnectionDuration"?',
    ],
    [{ resume: { windowMS: 1 } }, "resume.windowMS", ' Did you mean "resume.windowMs"?'],
    [{ cookie: { samesite: "lax" } }, "cookie.samesite", ' Did you mean "cookie.sameSite"?'],
    [
      { cors: { origins: "https://a.example" } },
      "cors.origins",
      ' It belongs outside of "cors": { origins: … }.',
    ],
    [{ cors: { credential: true } }, "cors.credential", ' Did you mean "cors.credentials"?'],
    [{ streams: { recycle: 1 } }, "streams.recycle", ""],
    [{ reconnection: false }, "reconnection", " It is an option of the client: io(url, { … })."],
    [{ withCredentials: true }, "withCredentials", " It is an option of the client: io(url, { … })."],
    [{ somethingElse: 1 }, "somethingElse", ""],
    [{ "forged\nline": 1 }, "forged\\nline", ""],
  ])("%o is told", async (options, name, advice) => {
    new Server(options as ServerOptions);
    const message = `Sockeye: unknown server option "${name}".${advice}`;
    expect(await warned()).toEqual([{ code: "SOCKEYE_UNKNOWN_OPTION", message }]);
  });

  it("is told once, also if it comes again with `attach`", async () => {
    const io = new Server({ corss: {} } as ServerOptions);
    io.attach(0, { pathh: "/x" } as ServerOptions);
    await io.close();
    expect((await warned()).map(({ message }) => message.match(/"(\w+)"/)?.[1])).toEqual(["corss", "pathh"]);
  });

  it("is told by an engine without Socket.IO, whose options are fewer", async () => {
    new EngineServer({ serveClient: false } as object);
    expect(await warned()).toHaveLength(1);
  });

  it("is not told in production", async () => {
    vi.stubEnv("NODE_ENV", "production");
    new Server({ corss: {} } as ServerOptions);
    expect(await warned()).toEqual([]);
  });

  it("is told of no more than a few, whoever has made them", async () => {
    new Server(Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`x${index}`, 1])));
    expect((await warned()).length).toBe(20);
  });
});

it("all that the documentation names is known", async () => {
  new Server({
    path: "/x",
    serveClient: false,
    connectTimeout: 1,
    pingInterval: 1,
    maxTurnMs: 1,
    limits: { maxAuthBytes: 1 },
    resume: { windowMs: 1, maxBytes: 1 },
    cookie: { name: "x", httpOnly: true, sameSite: "lax" },
    cors: { origin: "https://a.example", methods: ["GET"], credentials: true },
    connectionStateRecovery: { maxDisconnectionDuration: 1, skipMiddlewares: true, maxPackets: 1 },
    perMessageDeflate: { threshold: 1, anything: true },
    httpCompression: { threshold: 1, level: 1 },
  });
  expect(await warned()).toEqual([]);
});
