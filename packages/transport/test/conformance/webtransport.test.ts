import { memoryWebTransport, transportSuite } from "@sockeye/conformance";
import { DEFAULT_LIMITS } from "@sockeye/protocol";
import { WebTransportTransport } from "@sockeye/transport/client";
import { createGate } from "@sockeye/transport/server";
import { afterAll, vi } from "vitest";
import { target } from "../client/target-of.js";
import { clock, handshake, OneSession } from "./node-pair.js";

afterAll(() => vi.unstubAllGlobals());

transportSuite("webtransport", async (server, client) => {
  const acceptor = new OneSession(server);
  const gate = createGate({ clock, limits: DEFAULT_LIMITS, transports: ["webtransport"] }, acceptor);
  vi.stubGlobal(
    "WebTransport",
    memoryWebTransport((session) => gate.handleWebTransport(session)),
  );
  const dialled = target();
  const dialling = new WebTransportTransport(dialled);
  await handshake(dialling, dialled, client);
  if (acceptor.transport === undefined) throw new Error("no session was opened");
  return { server: acceptor.transport, client: dialling, close: async () => gate.close() };
});
