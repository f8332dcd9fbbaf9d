// As on Node.js: with an object.

import { expect, it } from "vitest";
import { ListenerStore } from "#listener-store";
import { ListenerStore as NodeStore } from "../src/listener-store.js";
import "./emitter-suite.js";

it("is on Node.js", () => {
  expect(ListenerStore).toBe(NodeStore);
});
