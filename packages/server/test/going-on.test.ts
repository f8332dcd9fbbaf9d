import { contract, event, type Schema } from "@sockeye/contract";
import type { RoomRule } from "@sockeye/rooms";
import { rateLimit, type Server, type ServerOptions, type Socket } from "@sockeye/server";
import { expect, it } from "vitest";
import { http, openSession, type Wire } from "../../../test/support/rawsocket.js";
import { until } from "../../../test/support/wait.js";
import { serve } from "./site.js";

// Very much that has waited for one promise of the app. What is measured is how much of it goes on before the event loop turns, and others
// are read.

/** What the app does: all that wait for it go on at once, and then each takes some time. */
class App {
  readonly done: unknown[] = [];
  most = 0;
  answers: () => void = () => {};
  readonly answer = new Promise<void>((resolve) => {
    this.answers = resolve;
  });
  asked = 0;
  #now = 0;
  #isOver = false;

  constructor(readonly ms: number) {
    const turn = (): void => {
      this.most = Math.max(this.most, this.#now);
      this.#now = 0;
      if (!this.#isOver) setImmediate(turn);
    };
    turn();
  }

  wait(): Promise<void> {
    this.asked++;
    return this.answer;
  }

  work(what?: unknown): void {
    const end = performance.now() + this.ms;
    while (performance.now() < end);
    this.done.push(what);
    this.#now++;
  }

  end(): void {
    this.#isOver = true;
  }
}

interface Way {
  readonly count: number;
  readonly ms: number;
  /** More than go on in a turn: 5 ms as they come, 5 ms of those that wait, and a step each that is too long. */
  readonly most: number;
  options?(app: App): ServerOptions;
  prepare?(io: Server, app: App): void;
  /** The nth frame that a client sends; or all that is sent to the server. */
  readonly send: ((n: number) => string) | ((port: number, count: number) => Promise<unknown>);
  /** Do they go on in the order in which they came? */
  readonly isUnordered?: boolean;
}

const EVENTS = { count: 2000, ms: 0.1, most: 500, send: (n: number): string => `42["work",${n}]` };
const PUBLISHED = {
  ...EVENTS,
  send: (n: number): string => `42${n}["sockeye:publish",{"room":"r","event":"e","args":[${n}]}]`,
};

function works(io: Server, app: App): void {
  io.on("connection", (socket) => socket.on("work", (n: unknown) => app.work(n)));
}

/** Lets each through once the app has answered. */
function slow(app: App): Schema<number> {
  const validate = (value: unknown) => app.wait().then(() => ({ value: value as number }));
  return { "~standard": { version: 1, vendor: "test", validate } };
}

/** One that has a rule of its own for publications. */
function published(io: Server, rule: Partial<RoomRule<Socket>>): void {
  io.room("r", { authorize: () => true, ...rule });
}

const WAYS: Readonly<Record<string, Way>> = {
  "a middleware of a socket": {
    ...EVENTS,
    prepare: (io, app) => {
      io.on("connection", (socket) => socket.use(async (_event) => app.wait()));
      works(io, app);
    },
  },
  "a middleware of a socket that calls next later": {
    ...EVENTS,
    prepare: (io, app) => {
      io.on("connection", (socket) => {
        socket.use((_event, next) => {
          app.wait().then(() => next());
        });
      });
      works(io, app);
    },
  },
  "an asynchronous schema": {
    ...EVENTS,
    options: (app) => ({ contract: contract({ toServer: { work: event(slow(app)) } }) }),
    prepare: works,
  },
  "authorize of a room": {
    ...PUBLISHED,
    prepare: (io, app) =>
      published(io, {
        authorize: () => app.wait().then(() => true),
        onPublish: (_socket, { args }) => {
          app.work(args[0]);
          return true;
        },
      }),
  },
  "onPublish of a room": {
    ...PUBLISHED,
    prepare: (io, app) =>
      published(io, {
        onPublish: (_socket, { args }) => {
          app.work(args[0]);
          return app.wait().then(() => true);
        },
      }),
  },
  "the store of a rate limit": {
    ...EVENTS,
    count: 900,
    most: 400,
    prepare: (io, app) => {
      io.use(rateLimit({ store: { take: () => (app.asked > 0 ? 0 : app.wait().then(() => 0)) } }));
      works(io, app);
    },
  },
  "a middleware of namespaces": {
    count: 120,
    ms: 0.5,
    most: 90,
    prepare: (io, app) => {
      const rooms = io.of(/^\/n\d+$/);
      rooms.use(async (_socket) => app.wait());
      rooms.on("connection", ({ nsp }) => app.work(Number(nsp.name.slice(2))));
    },
    send: (n: number): string => `40/n${n},`,
  },
  allowRequest: {
    count: 100,
    ms: 1,
    most: 60,
    options: (app) => ({ allowRequest: () => app.wait().then(() => true) }),
    prepare: (io, app) => {
      io.engine.on("connection", () => app.work());
    },
    send: (port: number, count: number) =>
      Promise.all(
        Array.from({ length: count }, () => http(port, { target: "/socket.io/?EIO=4&transport=polling" })),
      ),
    isUnordered: true,
  },
  "middlewares of the engine": {
    count: 100,
    ms: 1,
    most: 60,
    prepare: (io, app) => {
      io.engine.use((_req, _res, next) => {
        app.wait().then(() => next());
      });
      io.engine.on("connection", () => app.work());
    },
    send: (port: number, count: number) =>
      Promise.all(
        Array.from({ length: count }, () => http(port, { target: "/socket.io/?EIO=4&transport=polling" })),
      ),
    isUnordered: true,
  },
};

/** What comes behind all that was sent has come. */
async function arrived(wire: Wire, io: Server): Promise<void> {
  const fence = new Promise((resolve) => {
    io.of("/fence").on("connection", resolve);
  });
  wire.send("40/fence,");
  await fence;
}

it.each(Object.entries(WAYS))("what has waited for %s goes on within turns", async (_name, way) => {
  const { count, ms, most, send } = way;
  const app = new App(ms);
  const { io, port } = await serve(way.options?.(app));
  way.prepare?.(io, app);
  let answers: Promise<unknown> = Promise.resolve();
  if (way.isUnordered) {
    answers = (send as (port: number, count: number) => Promise<unknown>)(port, count);
    await until(() => app.asked === count, "all to be asked");
  } else {
    const { wire } = await openSession(port);
    wire.send("40");
    await wire.nextMessage();
    for (let n = 0; n < count; n++) wire.send((send as (n: number) => string)(n));
    await arrived(wire, io);
  }
  const before = app.done.length;
  app.most = 0;
  app.answers();
  await until(() => app.done.length === count, "all to go on", 20_000);
  await answers;
  // The last turn counts, too.
  for (let n = 0; n < 2; n++) await new Promise(setImmediate);
  app.end();
  expect(before).toBeLessThanOrEqual(1);
  expect(app.most).toBeLessThan(most);
  if (!way.isUnordered) expect(app.done).toEqual(Array.from({ length: count }, (_, n) => n));
});
