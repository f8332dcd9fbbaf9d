import type { ServerOptions } from "@sockeye/server";
import { describe, expect, it, vi } from "vitest";
import { until } from "../../../test/support/wait.js";
import type { Server } from "../src/index.js";
import { serve } from "./site.js";

// Code of the app that fails while a handshake waits for it. The client is refused without being told why: the app must hear of it.

interface Place {
  readonly name: string;
  readonly event: string;
  readonly status: number;
  readonly options?: (fail: () => never) => ServerOptions;
  readonly prepare?: (io: Server, fail: () => never) => unknown;
}

const PLACES: readonly Place[] = [
  { name: "allowRequest", event: "allowRequest", status: 403, options: (fail) => ({ allowRequest: fail }) },
  {
    name: "generateId",
    event: "generateId",
    status: 400,
    prepare: (io, fail) => {
      io.engine.generateId = fail;
    },
  },
  {
    name: "io.engine.use",
    event: "middleware",
    status: 400,
    prepare: (io, fail) => io.engine.use((_req: unknown, _res: unknown, _next: unknown) => fail()),
  },
  { name: "cors.origin", event: "cors.origin", status: 400, options: (fail) => ({ cors: { origin: fail } }) },
  { name: "cors as a function", event: "cors.origin", status: 400, options: (fail) => ({ cors: fail }) },
];

const boom = new TypeError("boom");
const WAYS: readonly [string, () => never][] = [
  [
    "throws",
    () => {
      throw boom;
    },
  ],
  ["rejects", () => Promise.reject(boom) as never],
];

const ask = (url: string): Promise<Response> =>
  fetch(`${url}/socket.io/?EIO=4&transport=polling`, { headers: { origin: url } });

describe.each(PLACES)("$name", ({ event, status, options, prepare }) => {
  describe.each(WAYS)("that %s", (_, fail) => {
    it("is heard of once by io.on('error'), and the client gets its status", async () => {
      const site = await serve(options?.(fail) ?? {});
      prepare?.(site.io, fail);
      const errors: unknown[] = [];
      site.io.on("error", (error, context) => errors.push([error, context.event]));
      expect((await ask(site.url)).status).toBe(status);
      await until(() => errors.length > 0, "the error");
      expect(errors).toEqual([[boom, event]]);
    });

    it("is printed where nobody listens", async () => {
      const print = vi.spyOn(console, "error").mockImplementation(() => {});
      const site = await serve(options?.(fail) ?? {});
      prepare?.(site.io, fail);
      await ask(site.url);
      expect(print.mock.calls).toEqual([[`Sockeye: a handler of "${event}" in namespace / failed:`, boom]]);
      print.mockRestore();
    });
  });
});

it.each(["", 5, undefined])("an id of a session that is %o is told", async (id) => {
  const site = await serve();
  site.io.engine.generateId = () => id as string;
  const errors: unknown[] = [];
  site.io.on("error", (error, context) => errors.push([`${error}`, context.event]));
  expect((await ask(site.url)).status).toBe(400);
  expect(errors).toEqual([["Error: the id of a session must be a new, non-empty string", "generateId"]]);
});

it("what a middleware or cors.origin refuses by its callback is no failure", async () => {
  const errors: unknown[] = [];
  const site = await serve({ cors: { origin: (_, done) => done(new Error("not you")) } });
  const other = await serve();
  other.io.engine.use((_req: unknown, _res: unknown, next: (error: Error) => void) => next(new Error("no")));
  for (const { io, url } of [site, other]) {
    io.on("error", (error) => errors.push(error));
    expect((await ask(url)).status).toBe(400);
  }
  expect(errors).toEqual([]);
});
