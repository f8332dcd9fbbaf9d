// As in a bundle for browsers.

import { expect, it, vi } from "vitest";
import { ListenerStore } from "#listener-store";
import { ListenerStore as WebStore } from "../src/web/listener-store.js";
import "./emitter-suite.js";

vi.mock("#listener-store", () => import("../src/web/listener-store.js"));

it("is in a browser", () => {
  expect(ListenerStore).toBe(WebStore);
});
