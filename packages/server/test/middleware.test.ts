import { describe, expect, it } from "vitest";
import { type Next, runMiddlewares } from "../src/middleware.js";

type Middleware = (subject: string[], next: Next) => unknown;

const boom = new Error("boom");

async function outcome(...middlewares: Middleware[]) {
  const trail: string[] = [];
  const ended: unknown[] = [];
  const late: unknown[] = [];
  runMiddlewares(middlewares, trail, (error) => ended.push(error), {
    delays: () => false,
    failedLate: (error) => late.push(error),
  });
  const atOnce = ended.length > 0;
  await new Promise(setImmediate);
  return { trail, ended, late, atOnce };
}

const mark =
  (name: string): Middleware =>
  (trail, next) => {
    trail.push(name);
    next();
  };

describe("runMiddlewares", () => {
  it("lets pass where there is none, at once", async () => {
    expect(await outcome()).toEqual({ trail: [], ended: [undefined], late: [], atOnce: true });
  });

  it("runs them in order of addition, in one stack", async () => {
    expect(await outcome(mark("a"), mark("b"), mark("c"))).toEqual({
      trail: ["a", "b", "c"],
      ended: [undefined],
      late: [],
      atOnce: true,
    });
  });

  it.each<{ name: string; middleware: Middleware; error?: unknown; passes?: boolean }>([
    { name: "next()", middleware: (_, next) => next(), passes: true },
    { name: "next() later", middleware: (_, next) => void setImmediate(next), passes: true },
    { name: "next(undefined)", middleware: (_, next) => next(undefined), passes: true },
    { name: "next(null), as JavaScript has it", middleware: (_, next) => next(null as never), passes: true },
    { name: "async, next()", middleware: async (_, next) => next(), passes: true },
    { name: "one parameter, returns", middleware: (_) => {}, passes: true },
    { name: "one parameter, async, resolves", middleware: async (_) => {}, passes: true },
    { name: "next(error)", middleware: (_, next) => next(boom), error: boom },
    {
      name: "throws",
      middleware: (_, _next) => {
        throw boom;
      },
      error: boom,
    },
    { name: "rejects", middleware: (_, _next) => Promise.reject(boom), error: boom },
    { name: "one parameter, rejects", middleware: (_) => Promise.reject(boom), error: boom },
    {
      name: "one parameter, throws",
      middleware: (_) => {
        throw boom;
      },
      error: boom,
    },
    {
      name: "throws no error",
      middleware: (_, _next) => {
        throw "text";
      },
      error: new Error("text"),
    },
    { name: "never calls next", middleware: (_, _next) => {} },
    { name: "async, never calls next", middleware: async (_, _next) => {} },
    { name: "no named parameter, never calls next", middleware: (...args) => void args },
    {
      name: "no named parameter, calls next(error) later",
      middleware: (...args) => void setImmediate(args[1], boom),
      error: boom,
    },
    { name: "no named parameter, async, never calls next", middleware: async (...args) => void args },
  ])("$name", async ({ middleware, error, passes }) => {
    const { trail, ended } = await outcome(middleware, mark("next"));
    await new Promise(setImmediate);
    expect(trail).toEqual(passes ? ["next"] : []);
    expect(ended).toEqual(passes ? [undefined] : error === undefined ? [] : [error]);
  });

  it.each<{ name: string; middleware: Middleware; late?: readonly unknown[] }>([
    {
      name: "next() twice",
      middleware: (_, next) => {
        next();
        next();
      },
    },
    {
      name: "next() then next(error)",
      late: [boom],
      middleware: (_, next) => {
        next();
        next(boom);
      },
    },
    {
      name: "next() then throws",
      late: [boom],
      middleware: (_, next) => {
        next();
        throw boom;
      },
    },
    {
      name: "next() then rejects",
      late: [boom],
      middleware: (_, next) => {
        next();
        return Promise.reject(boom);
      },
    },
  ])("hears only the first word, and tells of errors after it: $name", async ({ middleware, late = [] }) => {
    expect(await outcome(middleware, mark("b"))).toMatchObject({ trail: ["b"], ended: [undefined], late });
  });

  it("asks nobody after the one that refused", async () => {
    const { trail, ended } = await outcome(mark("a"), (_, next) => next(boom), mark("c"));
    expect(trail).toEqual(["a"]);
    expect(ended).toEqual([boom]);
  });
});
