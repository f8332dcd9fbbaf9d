// The emitters of which a server has few keep their listeners by eventemitter3, and do what all others do.

import { NEW_STORE } from "@sockeye/protocol";
import { Server } from "@sockeye/server";
import { expect, it, vi } from "vitest";
import { ListenerStore } from "#listener-store";
import "../../socket/test/emitter-suite.js";
import { EventStore } from "../src/event-store.js";

vi.mock("#listener-store", async () => ({
  ListenerStore: (await import("../src/event-store.js")).EventStore,
}));

it("is what the suite ran on", () => {
  expect(ListenerStore).toBe(EventStore);
});

it("namespaces and engines have one", () => {
  const io = new Server();
  for (const emitter of [io.of("/"), io.of("/a"), io.engine]) {
    expect(emitter[NEW_STORE]()).toBeInstanceOf(EventStore);
  }
});
