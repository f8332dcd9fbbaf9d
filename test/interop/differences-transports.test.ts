import { describe, expect, it } from "vitest";
import { startProxy } from "../paths/proxy.js";
import type { ClientName, ClientOptions } from "../support/servers.js";
import { once } from "../support/wait.js";
import { dial, ends, serve } from "./differ.js";

// Rows of docs/differences.md about which transport is used.

describe("tryAllTransports, where a WebSocket opens and nothing passes", () => {
  it.each<[ClientName, string]>([
    ["socket.io-client 4", "timeout"],
    ["sockeye", "polling"],
  ])("%s: %s", async (name, expected) => {
    const site = await serve("sockeye");
    const proxy = await startProxy(site.port, { upgrades: "swallow" });
    ends.push(() => proxy.stop());
    const client = await dial({ ...site, url: `http://127.0.0.1:${proxy.port}` }, name, {
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      timeout: 2000,
      openTimeout: 200,
      upgrade: false,
    } as ClientOptions);
    const failed = once(client, "connect_error").then(([error]) => (error as Error).message);
    failed.catch(() => {});
    const opened = once(client, "connect").then(() => client.io.engine.transport.name);
    opened.catch(() => {});
    expect(await Promise.race([failed, opened])).toBe(expected);
  });
});
