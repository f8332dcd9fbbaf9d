import { describe, expect, it } from "vitest";
import { startProxy } from "../paths/proxy.js";
import { type ClientName, type ClientOptions, loadClient } from "../support/servers.js";
import { once, until } from "../support/wait.js";
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

describe("no transports in the options", () => {
  it.each<[ClientName, readonly string[]]>([
    ["socket.io-client 4", ["polling", "websocket"]],
    ["sockeye", ["websocket"]],
  ])("%s: %s", async (name, expected) => {
    const site = await serve("socket.io 4");
    const used: string[] = [];
    site.http.on("request", ({ url = "" }) => used.push(transportOf(url)));
    site.http.on("upgrade", ({ url = "" }) => used.push(transportOf(url)));
    const { io } = await loadClient(name);
    const client = io(site.url, { forceNew: true });
    ends.push(() => client.disconnect());
    await once(client, "connect");
    await until(() => client.io.engine.transport.name === "websocket", "WebSocket");
    expect([...new Set(used)]).toEqual(expected);
  });

  it.each<[ClientName, string]>([
    ["socket.io-client 4", "polling"],
    ["sockeye", "polling"],
  ])("%s, where a WebSocket opens and nothing passes: %s", async (name, expected) => {
    const site = await serve("socket.io 4");
    const proxy = await startProxy(site.port, { upgrades: "swallow" });
    ends.push(() => proxy.stop());
    const { io } = await loadClient(name);
    const client = io(`http://127.0.0.1:${proxy.port}`, { forceNew: true });
    ends.push(() => client.disconnect());
    await once(client, "connect");
    expect(client.io.engine.transport.name).toBe(expected);
  });
});

function transportOf(url: string): string {
  return new URL(url, "http://localhost").searchParams.get("transport") ?? "none";
}
