import { io, type Options, type Socket } from "@sockeye/client";
import { afterEach, describe, expect, test } from "vitest";
import { start as startJwt } from "../jwt.js";
import { start as startSession } from "../session.js";

const sockets: Socket[] = [];
const closes: Array<() => Promise<void>> = [];

afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.disconnect();
  for (const close of closes.splice(0)) await close();
});

function dial(url: string, options: Options): Socket {
  const socket = io(url, { forceNew: true, ...options });
  sockets.push(socket);
  return socket;
}

function refusal(socket: Socket): Promise<string> {
  return new Promise((resolve) => socket.once("connect_error", (error) => resolve(error.message)));
}

function post(url: string, body: unknown, headers: Record<string, string> = {}): Promise<Response> {
  const type = { "content-type": "application/json" };
  return fetch(url, { method: "POST", body: JSON.stringify(body), headers: { ...type, ...headers } });
}

describe("by the session of Express", () => {
  async function serve(): Promise<string> {
    const { url, close } = await startSession({ port: 0 });
    closes.push(close);
    return url;
  }

  async function login(url: string, user: string): Promise<string> {
    const response = await post(`${url}/login`, { user });
    return String(response.headers.get("set-cookie")).split(";", 1)[0] ?? "";
  }

  test.each([["polling"], ["websocket"]])("whoever has logged in is known, over %s", async (transport) => {
    const url = await serve();
    const cookie = await login(url, "Ann");
    const socket = dial(url, { transports: [transport], extraHeaders: { cookie } });
    expect(await socket.emitWithAck("whoami")).toBe("Ann");
  });

  test("nobody else comes in", async () => {
    const url = await serve();
    expect(await refusal(dial(url, {}))).toBe("Log in first.");
    expect(await refusal(dial(url, { extraHeaders: { cookie: "connect.sid=s%3Aguess.guess" } }))).toBe(
      "Log in first.",
    );
    expect((await post(`${url}/login`, {})).status).toBe(400);
  });

  test("logging out ends the connection", async () => {
    const url = await serve();
    const cookie = await login(url, "Ann");
    const socket = dial(url, { extraHeaders: { cookie } });
    await socket.emitWithAck("whoami");
    const gone = new Promise((resolve) => socket.on("disconnect", resolve));
    expect((await post(`${url}/logout`, {}, { cookie })).status).toBe(204);
    expect(await gone).toBe("io server disconnect");
    socket.connect();
    expect(await refusal(socket)).toBe("Log in first.");
  });
});

describe("by a JSON Web Token", () => {
  async function serve(options: Parameters<typeof startJwt>[0] = {}): Promise<string> {
    const { url, close } = await startJwt({ port: 0, ...options });
    closes.push(close);
    return url;
  }

  async function tokenFor(url: string, user: string): Promise<string> {
    return ((await (await post(`${url}/token`, { user })).json()) as { token: string }).token;
  }

  test("whoever brings one is known", async () => {
    const url = await serve();
    const socket = dial(url, { auth: { token: await tokenFor(url, "Ann") } });
    expect(await socket.emitWithAck("whoami")).toBe("Ann");
  });

  test("nobody else comes in", async () => {
    const url = await serve();
    const forged = await tokenFor(await serve({ secret: "another" }), "Ann");
    expect(await refusal(dial(url, {}))).toBe("Bring a token.");
    expect(await refusal(dial(url, { auth: { token: 7 } }))).toBe("Bring a token.");
    expect(await refusal(dial(url, { auth: { token: "a.b.c" } }))).toBe("The token is not valid.");
    expect(await refusal(dial(url, { auth: { token: forged } }))).toBe("The token is not valid.");
  });

  test("a newer token keeps the connection; nothing else does", async () => {
    const url = await serve({ lifetimeMs: 2500 });
    const [ann, ben] = [await tokenFor(url, "Ann"), await tokenFor(url, "Ben")];
    const forged = await tokenFor(await serve({ secret: "another" }), "Ann");
    const [renewing, refused] = [dial(url, { auth: { token: ann } }), dial(url, { auth: { token: ann } })];
    const refusedGone = new Promise((resolve) => refused.once("disconnect", resolve));
    expect(await refused.emitWithAck("whoami")).toBe("Ann");
    expect(await refused.emitWithAck("renew", forged)).toBe("The token is not valid.");
    expect(await refused.emitWithAck("renew", undefined)).toBe("Bring a token.");
    expect(await refused.emitWithAck("renew", ben)).toBe("The token is somebody else's.");
    expect(await renewing.emitWithAck("whoami")).toBe("Ann");
    const longer = await tokenFor(await serve({ lifetimeMs: 60_000 }), "Ann");
    expect(await renewing.emitWithAck("renew", longer)).toBe(null);
    expect(await refusedGone).toBe("io server disconnect");
    expect(await renewing.emitWithAck("whoami")).toBe("Ann");
  });

  test("it lasts as long as the token; a new one lets in again", async () => {
    const url = await serve({ lifetimeMs: 1200 });
    const socket = dial(url, {
      auth: async () => ({ token: await tokenFor(url, "Ann") }),
    });
    expect(await socket.emitWithAck("whoami")).toBe("Ann");
    expect(await new Promise((resolve) => socket.once("disconnect", resolve))).toBe("io server disconnect");
    socket.connect();
    expect(await socket.emitWithAck("whoami")).toBe("Ann");
  });
});
