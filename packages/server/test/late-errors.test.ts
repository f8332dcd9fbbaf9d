import { describe, expect, it } from "vitest";
import { turn, until } from "../../../test/support/wait.js";
import type { Server, ServerOptions } from "../src/index.js";
import { dial, half, serve } from "./site.js";

// Code of the app that fails after it has decided: nobody waits for it any more, so only `io.on("error")` can tell.

const boom = new Error("boom");

interface Place {
  readonly name: string;
  readonly event: string;
  /** Decides by `decide`, and fails by `fail`, which throws or returns a promise that rejects. */
  readonly prepare?: (io: Server, fail: () => unknown) => unknown;
  readonly options?: (fail: () => undefined) => ServerOptions;
  readonly where?: string;
  /** Once for each request rather than for each client. */
  readonly requests?: true;
}

const PLACES: readonly Place[] = [
  {
    name: "io.use",
    event: "middleware",
    prepare: (io, fail) =>
      io.use((_socket, next) => {
        next();
        return fail();
      }),
  },
  {
    name: "io.of(name).use",
    event: "middleware",
    where: "/room",
    prepare: (io, fail) =>
      io.of("/room").use((_socket, next) => {
        next();
        return fail();
      }),
  },
  {
    name: "a parent's use",
    event: "middleware",
    where: "/room",
    prepare: (io, fail) =>
      io.of(/^\/room$/).use((_socket, next) => {
        next();
        return fail();
      }),
  },
  {
    name: "io.use, after a later middleware",
    event: "middleware",
    prepare: (io, fail) => {
      io.use((_socket, next) => {
        next();
        return fail();
      });
      io.use((_socket, next) => next());
    },
  },
  {
    name: "socket.use",
    event: "middleware",
    prepare: (io, fail) =>
      io.on("connection", (socket) =>
        socket.use((_event, next) => {
          next();
          return fail();
        }),
      ),
  },
  {
    name: "io.engine.use",
    event: "middleware",
    requests: true,
    prepare: (io, fail) =>
      io.engine.use((_req: unknown, _res: unknown, next: () => void) => {
        next();
        return fail();
      }),
  },
  {
    name: "allowRequest",
    event: "allowRequest",
    options: (fail) => ({
      allowRequest: (_req, answer) => {
        answer(null, true);
        return fail();
      },
    }),
  },
  {
    name: "cors.origin",
    event: "cors.origin",
    requests: true,
    options: (fail) => ({
      cors: {
        origin: (_origin: string | undefined, answer: (error: Error | null, allow?: boolean) => void) => {
          answer(null, true);
          return fail();
        },
      },
    }),
  },
  {
    name: "cors as a function",
    event: "cors.origin",
    requests: true,
    options: (fail) => ({
      cors: (_req, answer) => {
        answer(null, { origin: true });
        return fail();
      },
    }),
  },
  {
    name: "the function of io.of(function)",
    event: "of",
    where: "/room",
    prepare: (io, fail) =>
      io.of((_name, _auth, answer) => {
        answer(null, true);
        return fail();
      }),
  },
];

const WAYS: readonly [string, () => unknown][] = [
  [
    "throws",
    () => {
      throw boom;
    },
  ],
  ["rejects", () => Promise.reject(boom)],
  ["rejects later", () => turn().then(() => Promise.reject(boom))],
];

const TRANSPORTS = ["websocket", "polling"] as const;

describe.each(PLACES)("$name", ({ event, prepare, options, where = "/", requests }) => {
  describe.each(WAYS)("that decides and then %s", (_, fail) => {
    it.each(TRANSPORTS)("lets the client in by %s, and io hears of it once", async (transport) => {
      const errors: [unknown, unknown][] = [];
      const site = await serve(options?.(fail as () => undefined) ?? {});
      site.io.on("error", (error, context) => errors.push([error, context.event]));
      prepare?.(site.io, fail);
      const client = dial(site, where, { transports: [transport] });
      const socket = await half(site, client);
      let heard = 0;
      socket.on("ping", () => heard++);
      socket.on("error", () => {});
      client.emit("ping");
      await until(() => heard === 1 && errors.length > 0, "the event and the error");
      for (let n = 0; n < 5; n++) await turn();
      if (requests) expect(new Set(errors.map((each) => `${each}`))).toEqual(new Set([`${[boom, event]}`]));
      else expect(errors).toEqual([[boom, event]]);
      expect(client.connected).toBe(true);
    });
  });
});
