// Other people's packages, each used as its own documentation does it. A row gets `load`, which is `require` in a folder where
// `socket.io` and `socket.io-client` are npm's, or stand for Sockeye's packages, and must come to the same end with both.
"use strict";

/** Listens on a free port, and dials it. */
async function talk({ load, http, before, options }, use) {
  const { once } = require("node:events");
  if (!http.listening) {
    http.listen(0, "127.0.0.1");
    await once(http, "listening");
  }
  const url = `http://127.0.0.1:${http.address().port}`;
  await before?.(url);
  const client = load("socket.io-client").io(url, { forceNew: true, ...options });
  try {
    return await use(client, url);
  } finally {
    client.disconnect();
  }
}

const heard = (emitter, event) =>
  new Promise((resolve) => emitter.once(event, (...values) => resolve(values)));

function expect(condition, what) {
  if (!condition) throw new Error(`not so: ${what}`);
}

exports.rows = {
  "@nestjs/platform-socket.io 11": async ({ load }) => {
    load("reflect-metadata");
    const { Module, Injectable } = load("@nestjs/common");
    const { NestFactory } = load("@nestjs/core");
    const { IoAdapter } = load("@nestjs/platform-socket.io");
    const { WebSocketGateway, SubscribeMessage, WebSocketServer, MessageBody, ConnectedSocket, WsException } =
      load("@nestjs/websockets");
    class Gateway {
      say(text) {
        if (text === "bad") throw new WsException("bad words");
        return { event: "said", data: text.toUpperCase() };
      }
      ask(text, socket) {
        return `${text} of ${socket.id}`;
      }
      handleConnection(socket) {
        socket.join("all");
        this.server.to("all").emit("joined", 1);
      }
    }
    WebSocketServer()(Gateway.prototype, "server");
    const method = (name, event) => {
      MessageBody()(Gateway.prototype, name, 0);
      ConnectedSocket()(Gateway.prototype, name, 1);
      SubscribeMessage(event)(
        Gateway.prototype,
        name,
        Object.getOwnPropertyDescriptor(Gateway.prototype, name),
      );
    };
    method("say", "say");
    method("ask", "ask");
    WebSocketGateway({ cors: { origin: "*" } })(Gateway);
    Injectable()(Gateway);
    class App {}
    Module({ providers: [Gateway] })(App);
    // Nest's HTTP platform is not what is tested: an adapter for a bare server.
    const { AbstractHttpAdapter } = load("@nestjs/core");
    class Bare extends AbstractHttpAdapter {
      initHttpServer() {
        this.setHttpServer(require("node:http").createServer());
      }
      listen(...values) {
        return this.httpServer.listen(...values);
      }
      close() {}
      getType() {
        return "bare";
      }
      registerParserMiddleware() {}
      setNotFoundHandler() {}
      setErrorHandler() {}
      isHeadersSent() {}
      getRequestHostname() {}
      async init() {}
    }
    const app = await NestFactory.create(App, new Bare(), { logger: false, abortOnError: false });
    app.useWebSocketAdapter(new IoAdapter(app));
    await app.listen(0, "127.0.0.1");
    await talk({ load, http: app.getHttpServer() }, async (client) => {
      await heard(client, "joined");
      const said = heard(client, "said");
      client.emit("say", "hello");
      expect((await said)[0] === "HELLO", "an answer by an event");
      expect((await client.emitWithAck("ask", "x")) === `x of ${client.id}`, "an acknowledgement");
      const refused = heard(client, "exception");
      client.emit("say", "bad");
      expect((await refused)[0].message === "bad words", "an exception");
    });
  },

  "@feathersjs/socketio 5": async ({ load }) => {
    const { feathers } = load("@feathersjs/feathers");
    const { koa } = load("@feathersjs/koa");
    const app = koa(feathers());
    app.configure(load("@feathersjs/socketio")());
    const get = async (id) => {
      if (id === "none") throw new Error("no such note");
      return { id };
    };
    app.use("notes", { get, create: async (data) => ({ ...data, id: 1 }) }, { methods: ["get", "create"] });
    app.on("connection", (connection) => app.channel("all").join(connection));
    app.publish(() => app.channel("all"));
    const http = await app.listen(0);
    await talk({ load, http }, async (socket) => {
      const client = feathers().configure(load("@feathersjs/socketio-client")(socket));
      const notes = client.service("notes");
      expect((await notes.get("7")).id === "7", "a service method");
      const error = await notes.get("none").catch((each) => each);
      expect(error.message === "no such note", "an error of the service");
      const created = heard(notes, "created");
      await notes.create({ text: "hi" });
      expect((await created)[0].text === "hi", "an event of a service");
    });
  },

  "fastify-socket.io 5": async ({ load }) => {
    const app = load("fastify")();
    app.register(load("fastify-socket.io").default);
    await app.ready();
    app.io.on("connection", (socket) => socket.on("say", (text, answer) => answer(text.toUpperCase())));
    await app.listen({ port: 0, host: "127.0.0.1" });
    await talk({ load, http: app.server }, async (client) => {
      expect((await client.emitWithAck("say", "hello")) === "HELLO", "an acknowledgement");
    });
  },

  "@socket.io/redis-adapter 8 and @socket.io/redis-emitter 5": async ({ load, redis }) => {
    const { createClient } = load("redis");
    const connect = async () => {
      const each = createClient({ url: redis });
      await each.connect();
      return each;
    };
    const [pub, sub, out] = [await connect(), await connect(), await connect()];
    const { io, http } = server(load, { adapter: load("@socket.io/redis-adapter").createAdapter(pub, sub) });
    io.on("connection", (socket) => socket.join("room"));
    const emitter = new (load("@socket.io/redis-emitter").Emitter)(out);
    await talk({ load, http }, async (client) => {
      await heard(client, "connect");
      // The adapter subscribes in its own time.
      const news = heard(client, "news");
      const again = setInterval(() => emitter.to("room").emit("news", "far", Buffer.from([1])), 20);
      const [text, bytes] = await news;
      clearInterval(again);
      expect(text === "far" && bytes[0] === 1, "an event from another process");
      expect((await io.fetchSockets()).length === 1, "the sockets of all servers");
      const gone = heard(client, "disconnect");
      emitter.in("room").disconnectSockets(true);
      await gone;
    });
  },

  "socketio-file-upload 0.7": async ({ load }) => {
    const { tmpdir } = require("node:os");
    const Upload = load("socketio-file-upload");
    const { io, http } = server(load);
    const saved = new Promise((resolve, reject) =>
      io.on("connection", (socket) => {
        const uploader = new Upload();
        uploader.dir = tmpdir();
        uploader.mode = "0600";
        uploader.listen(socket);
        uploader.on("saved", resolve);
        uploader.on("error", ({ error }) => reject(error));
      }),
    );
    await talk({ load, http }, async (client) => {
      // What its page sends.
      client.emit("siofu_start", {
        name: "a.txt",
        mtime: new Date(),
        meta: {},
        size: 5,
        encoding: "octet",
        id: 1,
      });
      await heard(client, "siofu_ready");
      client.emit("siofu_progress", {
        id: 1,
        size: 5,
        start: 0,
        end: 5,
        content: Buffer.from("hello"),
        base64: false,
      });
      client.emit("siofu_done", { id: 1, interrupt: false });
      const { file } = await saved;
      const { readFileSync, rmSync } = require("node:fs");
      const text = readFileSync(file.pathName, "utf8");
      rmSync(file.pathName);
      expect(text === "hello", "the file");
    });
  },

  "socket.io-stream 0.9": async ({ load }) => {
    const ss = load("socket.io-stream");
    const { io, http } = server(load);
    const whole = new Promise((resolve) =>
      io.on("connection", (socket) =>
        ss(socket).on("file", (stream, { name }) => {
          const chunks = [];
          stream.on("data", (chunk) => chunks.push(chunk));
          stream.on("end", () => resolve(`${name}:${Buffer.concat(chunks).length}`));
        }),
      ),
    );
    await talk({ load, http }, async (client) => {
      await heard(client, "connect");
      const stream = ss.createStream();
      ss(client).emit("file", stream, { name: "x" });
      stream.end(Buffer.alloc(200_000));
      expect((await whole) === "x:200000", "the stream");
    });
  },

  "@thream/socketio-jwt 3": async ({ load }) => {
    const { authorize } = load("@thream/socketio-jwt");
    const { io, http } = server(load);
    io.use(authorize({ secret: "a secret of the test" }));
    io.on("connection", (socket) => socket.emit("who", socket.decodedToken.name));
    const token = load("jsonwebtoken").sign({ name: "ann" }, "a secret of the test");
    await talk({ load, http, options: { auth: { token: `Bearer ${token}` } } }, async (client, url) => {
      expect((await heard(client, "who"))[0] === "ann", "the token's owner");
      const stranger = load("socket.io-client").io(url, { forceNew: true, auth: { token: "Bearer x" } });
      const [error] = await heard(stranger, "connect_error");
      stranger.disconnect();
      expect(error.data.type === "UnauthorizedError", "a refusal");
    });
  },

  "socketio-auth 0.1": async ({ load }) => {
    const { io, http } = server(load);
    load("socketio-auth")(io, {
      authenticate: (_socket, { password }, done) => done(null, password === "good"),
      postAuthenticate: (socket) => socket.on("say", (text, answer) => answer(text)),
    });
    await talk({ load, http }, async (client) => {
      await heard(client, "connect");
      client.emit("authentication", { password: "good" });
      await heard(client, "authenticated");
      expect((await client.emitWithAck("say", "x")) === "x", "an acknowledgement");
    });
  },

  "express-socket.io-session 1": async ({ load }) => {
    const session = load("express-session")({ secret: "s", resave: true, saveUninitialized: true });
    const { io, http } = server(load);
    io.use(load("express-socket.io-session")(session, { autoSave: true }));
    io.on("connection", (socket) => {
      socket.handshake.session.name = "ann";
      socket.emit("session", typeof socket.handshake.sessionID, socket.handshake.session.name);
    });
    await talk({ load, http }, async (client) => {
      expect((await heard(client, "session")).join() === "string,ann", "a session");
    });
  },

  "ngx-socket-io 4 (types)": async ({ folder }) => {
    const { writeFileSync, rmSync } = require("node:fs");
    const { execFileSync } = require("node:child_process");
    const { join } = require("node:path");
    const file = join(folder, "ngx.ts");
    writeFileSync(
      file,
      `import { Socket, SocketIoConfig } from "ngx-socket-io";
      export const config: SocketIoConfig = { url: "http://localhost", options: { transports: ["websocket"] } };
      export function use(socket: Socket): void { socket.emit("e", 1); socket.fromEvent<string, string>("e").subscribe((text) => text.length); }\n`,
    );
    const options = [
      "--noEmit",
      "--strict",
      "--skipLibCheck",
      "--module",
      "esnext",
      "--moduleResolution",
      "bundler",
      "--target",
      "es2022",
    ];
    try {
      execFileSync(process.execPath, [join(folder, "node_modules/typescript/bin/tsc"), ...options, file], {
        encoding: "utf8",
      });
    } catch (error) {
      throw new Error(error.stdout);
    } finally {
      rmSync(file);
    }
  },

  "socketio-wildcard 2": async ({ load }) => {
    const { io, http } = server(load);
    io.use(load("socketio-wildcard")());
    const any = new Promise((resolve) =>
      io.on("connection", (socket) => socket.on("*", ({ data }) => resolve(data.join()))),
    );
    await talk({ load, http }, async (client) => {
      client.emit("e", 1);
      const late = new Promise((resolve) => setTimeout(resolve, 1500, "nothing"));
      expect((await Promise.race([any, late])) === "e,1", "an event for every name");
    });
  },

  "@opentelemetry/instrumentation-socket.io 0.50": async ({ load }) => {
    const { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } = load(
      "@opentelemetry/sdk-trace-base",
    );
    const { SocketIoInstrumentation } = load("@opentelemetry/instrumentation-socket.io");
    const spans = new InMemorySpanExporter();
    const tracerProvider = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(spans)] });
    const instrumentation = new SocketIoInstrumentation();
    instrumentation.setTracerProvider(tracerProvider);
    instrumentation.enable();
    const { io, http } = server(load);
    io.on("connection", (socket) => socket.on("e", (answer) => answer()));
    await talk({ load, http }, (client) => client.emitWithAck("e"));
    expect(spans.getFinishedSpans().length > 0, "a span");
  },
};

function server(load, options = {}) {
  const http = require("node:http").createServer();
  return { http, io: new (load("socket.io").Server)(http, options) };
}

/** Those that replace private methods, or look for a package by its name: nothing happens with Sockeye. docs/migrating.md says what to use. */
exports.KNOWN_NOT_TO_WORK = ["socketio-wildcard 2", "@opentelemetry/instrumentation-socket.io 0.50"];

/** What is wanted here and cannot be installed, and why. */
exports.NOT_INSTALLED = {
  "artillery 2 (its socketio engine)": "needs Node.js 22.18",
  "vue-socket.io 3": "is for Vue 2, which has ended",
  "vue-socket.io-extended 4": "its CommonJS file does not load without a bundler, with socket.io either",
};
