import type { Evidence, ShownBy } from "./check.js";

// Which tests show which row of docs/differences.md, by its section and its first column. Those of test/interop show what
// Socket.IO does as well.

const row = (test: string, ...titles: readonly string[]): readonly Evidence[] =>
  titles.map((title) => ({ file: `${test}.test.ts`, title }));

const both = (...titles: readonly string[]): readonly Evidence[] =>
  row("test/interop/differences", ...titles);
const limits = (...titles: readonly string[]): readonly Evidence[] =>
  row("test/interop/differences-limits", ...titles);
const http = (...titles: readonly string[]): readonly Evidence[] =>
  row("test/interop/differences-http", ...titles);
const joining = (...titles: readonly string[]): readonly Evidence[] =>
  row("test/interop/differences-joining", ...titles);
const sockets = (...titles: readonly string[]): readonly Evidence[] =>
  row("test/interop/differences-sockets", ...titles);
const ending = (...titles: readonly string[]): readonly Evidence[] => row("test/interop/process", ...titles);
const matrix = (suite: string, ...titles: readonly string[]): readonly Evidence[] =>
  row(`test/interop/matrix/${suite}`, ...titles);

export const SHOWN: ShownBy = {
  "Events and handlers, on the server": {
    "a handler throws, or an async handler rejects": [
      ...ending("a handler that throws", "a handler that rejects"),
      ...row("packages/server/test/server", "an error of the app's code"),
    ],
    "when handlers run": limits("handlers run, seen from the packets"),
    "events that arrive together with the goodbye that follows them": matrix(
      "disconnect",
      "by the client delivers what it sent just before",
    ),
    "`socket.volatile`, `socket.timeout(ms)`, `socket.compress(b)`": both(
      "the server > a flag that no emit has used is there at the next",
    ),
    "arguments that are not JSON (a BigInt, a cycle)": both("a BigInt"),
    "arguments nested deeper than 100 levels": both("101 levels"),
    "a name that is neither a text nor a finite number (`emit(undefined)`), at either end":
      limits("an event without a name"),
    "more than 10 pieces of bytes in one event": limits("eleven pieces of bytes"),
    "bytes that are transferred, or whose memory grows, between `emit` and the end of the turn": row(
      "packages/server/test/given-away",
      "a Buffer that is transferred: after the emit, its event is dropped, and that is all",
    ),
    "`socket.conn.send(data)`, and `send` of engine sockets, with what is neither text nor bytes":
      limits("a number as a raw message"),
    "a cycle, a BigInt or a function in `socket.data` while another server asks for its sockets, with an adapter for Redis or the like":
      row("test/interop/packages/unshareable", "a socket's data with a cycle"),
    "an object with `_placeholder: true` in arguments that hold bytes too": both(
      "something like a placeholder beside bytes",
    ),
    "`newListener`, `removeListener` of a socket or namespace": both(
      "a listener for newListener, and then another",
    ),
    "limit of listeners": limits("the eleventh listener"),
    "a `Proxy` around a socket, server or namespace of the server, or `Object.create()` of one": sockets(
      "a handle of the server through a Proxy",
    ),
    "`instanceof EventEmitter` of sockets, servers, namespaces, `socket.conn` and `io.engine`": sockets(
      "instances of Node's EventEmitter",
    ),
    "an empty list of rooms (`io.to([])`, `socket.in([])`, and bulk operations on it)": [
      ...sockets("to([]), an emit and bulk operations"),
      ...row("packages/server/test/empty-rooms", "nobody is meant by"),
    ],
    "an app replaces the `emit` of a socket or namespace by its own": row(
      "test/interop/options",
      "an app's own emit is what send calls, at both ends",
    ),
    "a package replaces a private method of sockets (`socket.onevent`, as `socketio-wildcard` does)": sockets(
      "a package that replaces onevent",
    ),
    "an event and a volatile one, or two volatile ones, in one turn of the event loop": sockets(
      "an event and a volatile one in one turn",
      "a volatile one and a volatile one in one turn",
    ),
  },
  "Acknowledgements, on the server": {
    "the client leaves while `emitWithAck` waits without a timeout": matrix(
      "acks",
      "that a disconnection prevents: the server's promise",
    ),
    "`emitWithAck`, or a callback with a timeout, after the client has left": both(
      "emitWithAck after the client has left",
    ),
    "`io.emitWithAck`, `namespace.emitWithAck`": both("io.emitWithAck and namespace.emitWithAck"),
    "`emit` with a callback to many, without `timeout()`": both(
      "a broadcast with a callback and without a timeout",
    ),
    "`serverSideEmit` with a callback on one server": both("serverSideEmit with a callback, on one server"),
  },
  "Middlewares and namespaces": {
    "a middleware throws, or an async one rejects": ending(
      "a middleware that throws",
      "a middleware that rejects",
      "a middleware of events that rejects",
    ),
    "a middleware, `allowRequest` or a function of `cors` fails after it has decided (`next(); throw …`)": [
      ...ending("a middleware that throws after next()", "a middleware of events that throws after next()"),
      ...row("packages/server/test/late-errors", "'allowRequest'", "'cors.origin'"),
    ],
    "a middleware with one parameter (`io.use(async (socket) => …)`)": both(
      "a middleware that takes no `next`",
    ),
    "the function of `io.of(function)` throws, or rejects": ending("a function of namespaces that rejects"),
    "`allowRequest`": both("an app that decides by a promise"),
    "more than 16 MiB wait for a client that reads too slowly": limits(
      "24 MiB for a reader that has stopped",
    ),
    "a WebSocket that exceeds a limit": limits("a message over maxHttpBufferSize on a WebSocket"),
    "a binary event whose attachments stop coming": limits("bytes that are announced and do not come"),
    "a socket joins more than 10,000 rooms": limits("the 10,001st room"),
    "one connection joins more than 128 namespaces": limits("the 129th namespace of a connection"),
    "the `auth` of a client is more than 16 KiB as JSON": limits("17 KiB of auth"),
    "all clients together hold more than a quarter of the process's memory": limits(
      "a hundred messages without an end",
    ),
    "an event for a namespace that the client has left or was put out of": both(
      "an event for a namespace that was left",
    ),
    "a client leaves a namespace and joins it again at once": row(
      "test/interop/wire/server",
      "lets a client leave and join again in one breath",
    ),
    "a second CONNECT while a middleware still decides about the first": limits(
      "a namespace is joined a second time while a middleware decides",
    ),
    "one connection asks to join namespaces more than 512 times within a minute": limits(
      "a connection joins and leaves a namespace 600 times",
    ),
    "a connection that has left its last namespace": limits(
      "a connection that has left its last namespace, after connectTimeout",
    ),
    "a middleware of a second namespace, or of the engine, that never decides": limits(
      "middlewares of a second namespace and of the engine that never decide, after connectTimeout",
    ),
    "more than 16 MiB of events wait for asynchronous middlewares of `socket.use`": limits(
      "40,000 events that an asynchronous middleware does not decide about",
    ),
    "an option of the server that is `null`": row(
      "test/interop/options",
      "an option of the server that is null was not given",
    ),
    "`transports` as a text, as an empty list, or with a name of no transport, on the server": [
      ...sockets("transports as a text"),
      ...row("packages/server/test/mistaken-options", "a text is refused at construction"),
    ],
    "options that make no sense (a `pingInterval` of 0, a limit that is no number)":
      both("a pingInterval of 0"),
  },
  "Connection state recovery": {
    "a connection that breaks for less than 30 s, with Sockeye at both ends": both(
      "a connection between two ends of the same make that breaks for a moment",
    ),
    "a message that takes longer than `pingInterval + pingTimeout` to come in": row(
      "test/resume/slow-way",
      "arrives 'up' over 'websocket', as 'text'",
      "Socket.IO ends with `ping timeout`",
    ),
    "the client got no event before the connection broke": both("of a client that got no event yet"),
    "the client is back before the server noticed that the old connection is dead": both(
      "before the server has noticed the loss",
    ),
    "how much is kept": limits("11,100 events missed while recovery is on"),
    "the offset behind the arguments of an event": both(
      "recovery on a Sockeye server shows its offset to handlers",
    ),
  },
  "The wire": {
    "a malformed Socket.IO packet over WebSocket": both("a malformed packet over a WebSocket"),
    "a malformed Socket.IO packet in a POST": limits("a malformed packet in a POST"),
    "texts that only resemble a packet: ids with needless zeros, space before the JSON, data on DISCONNECT, JSON deeper than 100 levels, a reserved event name, an event name over 1,024 or a namespace over 512 characters":
      [
        ...both("an id with a needless zero over a WebSocket"),
        ...row("packages/codec/test/stock", "socket.io-parser"),
      ],
    "a PING from the client": both("a PING over a WebSocket"),
    "OPEN, or UPGRADE on the current transport, from the client": both(
      "an OPEN over a WebSocket",
      "an UPGRADE on the current transport over a WebSocket",
    ),
    "CLOSE over WebSocket from the client": both("a CLOSE over a WebSocket"),
    "a POST with an empty packet or bad base64": both("a body with bad base64"),
    "a POST that is not UTF-8": both("a body that is not UTF-8"),
    "a POST with more than 16,384 packets": both("a body of 16,385 packets"),
    "a PONG is late, but other packets come": row(
      "packages/session/test/session",
      "takes any packet for a sign of life",
    ),
    "the NOOP that ends a poll during an upgrade": both("a NOOP for the waiting poll of a probed session"),
    "a second WebSocket for a session that has one": both("a second WebSocket for a session that has one"),
    "`/socket.io?EIO=4…`, without the slash": both("the path without its slash"),
    "WebSocket compression (`perMessageDeflate: true`)": row(
      "packages/transport/test/server/deflater",
      "keep no context: each can be read by itself, in any order",
    ),
    "a client offers only compression that the server does not take": row(
      "packages/transport/test/server/deflated-websocket",
      "answers an offer that cannot be taken",
    ),
    "an offer of an 8-bit window": row(
      "packages/transport/test/server/deflate-extension",
      'answers "permessage-deflate; server_max_window_bits=8" with undefined',
    ),
  },
  "Clients of Socket.IO 2 (`allowEIO3`)": {
    "CONNECT for a namespace that does not exist": matrix(
      "version-2",
      "is told that there is no such namespace",
    ),
    "events where `connectionStateRecovery` is on": matrix(
      "version-2",
      "sees no offsets where others are recovered",
    ),
    "a client that falls silent right after an upgrade": row(
      "packages/session/test/revision3",
      "a server whose client pings",
    ),
    "a client that sends other packets, but no PING": row(
      "packages/session/test/revision3",
      "takes any packet for a sign of life",
    ),
    "`data` of a namespace's query (`handshake.auth`)": matrix(
      "version-2",
      "says who it is to a namespace in a query, which the server sees as auth",
    ),
    "a body whose lengths do not fit, or with bytes that are not a message": row(
      "test/interop/wire/revision-3",
      "refuses a length that does not fit, and ends",
      "refuses bytes that are no message, and ends",
    ),
  },
  HTTP: {
    "`cors: { origin: true, credentials: true }`": row(
      "test/security/handshake",
      "with everybody's cookies are not let in without a warning (18)",
    ),
    "a text in `cors.origin` that is no origin, has a slash at its end, or a `*` for its port":
      both("texts of cors.origin"),
    "a browser page of another origin, where `cors` does not let it in": both("pages of other origins"),
    JSONP: row(
      "packages/transport/test/server/jsonp",
      "answers with scripts only if told so",
      "answers as ever who asks for no script",
    ),
    "JSONP: the type of the scripts": row(
      "packages/transport/test/server/jsonp",
      "of a type that browsers run, and no other",
    ),
    "JSONP: a callback that is not a number; a form without its field, or with a broken escape": row(
      "packages/transport/test/server/jsonp",
      'takes no callback "1.5"',
      "no field: 400, and the session ends",
      "a broken escape: 400, and the session ends",
    ),
    "WebTransport sessions where middlewares or `cors` are set": [
      ...both("a WebTransport session where cors is set"),
      ...row(
        "packages/transport/test/server/webtransport",
        "shows middlewares and allowRequest what is known of the request",
      ),
    ],
    "`close()` while a connection is open that has asked nothing, or only begun to": row(
      "packages/server/test/closing-http",
      "close() does not wait for > http: a connection without a byte",
      "close() does not wait for > a silent connection, for which Socket.IO does",
      "an answer of the app's that is under way",
    ),
    "an option that both `new Server()` and `attach` are given": row(
      "test/interop/differences-attaching",
      "a path in both places",
    ),
    "two servers at one path of an HTTP server, or at `/a` and `/a/b`": [
      ...row("test/interop/differences-attaching", "two servers at one path", "a path below another one"),
      ...row("packages/server/test/warnings", "two servers at one path of an HTTP server"),
      ...row("packages/server/test/closing-http", "close({ detach: true })"),
    ],
    "a header set in `headers` or `initial_headers` that HTTP does not allow": [
      ...ending("a header that HTTP does not allow"),
      ...row(
        "packages/server/test/engine",
        "sends all headers that HTTP allows, over polling",
        "sends all headers that HTTP allows, over websocket",
      ),
    ],
    "a framework that is put on the HTTP server after `new Server(http)`": [
      ...ending("a listener for requests that was added later and answers them all"),
      ...row("packages/server/test/warnings", "a framework on the server after us"),
    ],
    "an upgrade request that nobody answers": row(
      "test/interop/differences-attaching",
      "an upgrade request at another path",
    ),
    "source maps of the files for browsers": row(
      "test/parity/options",
      "source maps of the files for browsers",
    ),
  },
  "The client": {
    "a handler throws, or an async handler rejects": ending(
      "a handler of the client that throws",
      "a handler of the client that rejects",
    ),
    "`socket.volatile`, `socket.timeout(ms)`, `socket.compress(b)`": both(
      "the client > a flag that no emit has used is there at the next",
    ),
    "more than 64 MiB wait, offline or for a server that is slow": [
      {
        file: "packages/client/test/outbound.test.ts",
        title:
          "offline > drops what is emitted beyond maxOutboundBytes, and says so; what waited arrives in order",
      },
    ],
    "volatile events while a WebSocket holds more than 256 KiB": [
      {
        file: "packages/client/test/outbound.test.ts",
        title:
          "a WebSocket server that stops to read costs the client its bound, and whoever waits goes on later",
      },
    ],
    "`socket.volatile.emit` while disconnected": matrix("reconnect", "drops what is volatile meanwhile"),
    "`socket.volatile.emitWithAck` that is dropped": both("volatile.emitWithAck that is dropped"),
    "`retries` without `ackTimeout`": both(
      "retries without ackTimeout: what the callback gets, and how often it is sent",
    ),
    "second argument of `disconnect`": both("details of a disconnection: an error, with a code"),
    "`connect_error`": both("connect_error has a code"),
    "`next` of a middleware is given a text, or an object without one": joining(
      "a middleware that gives next() no error",
    ),
    "the path breaks before the server has let a socket in": joining(
      "the path breaks before the server has let it in",
    ),
    "`auth` that returns an object or a promise, throws or rejects": [
      ...joining("auth that returns an object"),
      ...row("packages/client/test/auth", "auth that fails"),
    ],
    "`auth` that is a text": joining("auth that is a text"),
    "`socket.active` after the last attempt to connect": joining("active after the last attempt"),
    "`offAny(undefined)`, `offAnyOutgoing(undefined)`": joining("offAny(undefined)"),
    "a listener, handler or middleware that is no function, at either end": row(
      "test/parity/callbacks",
      ...["the server", "a namespace", "a socket", "a client's socket", "its manager"].map(
        (handle) => `${handle} > refuses undefined in the place of a callback, wherever it takes one`,
      ),
    ),
    '`socket.join("room")`, and `leave`, `to`, `in`, `except`, of a client': row(
      "test/parity/callbacks",
      "join() on a client's socket says that rooms are the server's, and an app's own takes its place",
    ),
    "`io()` where there is no page, as where pages are rendered": joining("io() without a page"),
    "a URL with a blank, or with a port that is none": joining("a URL with a blank, or with a bad port"),
    "no `transports` in the options": row(
      "test/interop/differences-transports",
      "no transports in the options",
    ),
    "`tryAllTransports`, and a transport that never says anything": row(
      "test/interop/differences-transports",
      "tryAllTransports, where a WebSocket opens and nothing passes",
    ),
    "waiting before a new attempt, once `reconnectionDelayMax` is reached": row(
      "packages/engine/test/client/backoff",
      "backoffMs",
    ),
    "a `Blob` or `File` in arguments": row(
      "packages/client/test/blobs",
      "keeps the order, and is busy until the last is sent",
    ),
    requests: http("classes of requests"),
    "on Node.js, connections of HTTP requests": http("five messages over polling take one connection each"),
    "on Node.js, `requestTimeout`": http("requestTimeout of a request that is never answered"),
    "on Node.js, `localAddress`, `family`, `checkServerIdentity`": http("localAddress of a request"),
    "on Node.js, redirects of HTTP requests": http("a redirect of the first request"),
    "on Node.js, `withCredentials`: cookies that the server sets": http(
      "withCredentials: a cookie for another path",
      "withCredentials: the app's own cookies, beside those of the server",
    ),
    "on Node.js, a request that got no answer: `description` of the error": http(
      "description of a request to nobody",
    ),
    "permessage-deflate, on Node.js": both("permessage-deflate is offered"),
    "an emit that its server has said it does not accept (`maxPayload`, and a Sockeye server's limits)":
      limits("a client's emit above maxHttpBufferSize"),
    "`parser`, on both ends": row(
      "packages/codec/test/parser-codec",
      "refuses a throw, and two packets for one frame",
    ),
    "the object of options that is given to `io`": joining("the object of options"),
    "`manager.engine` before anything was dialled": joining("an engine before anything was dialled"),
    "`binaryType` of `manager.engine`, on Node.js": joining("binaryType of a manager's engine"),
    "on Node.js, `DEBUG=*`": ending("lines of the client"),
    WebTransport: row("packages/client/test/manager", "knows WebTransport by its class only"),
  },
  Types: {
    "names of `engine.io` and `engine.io-client` (from `/engine`): `Transport`, `transports`, `parser`, `uServer`, `parse`, `nextTick`, `installTimerFunctions`":
      row(
        "test/interop/names",
        "all of engine.io are in @sockeye/server/engine, but those that differences.md has",
        "all of engine.io-client are in @sockeye/client/engine, but those that differences.md has",
      ),
    "`socket.conn.transport.socket` (the WebSocket of the package `ws`)": sockets(
      "the WebSocket under a connection",
    ),
    "what `socket.volatile`, `timeout()`, `compress()` return": row("packages/server/test/types", "timeout"),
    "`socket.conn`": row("packages/server/test/types", "types of the server, beside Socket.IO's"),
  },
};
