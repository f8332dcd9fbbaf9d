import { type Claim, claim, type Part } from "./check.js";

// The rows of docs/parity.md, which `npx vitest run test/parity/parity.test.ts -u` writes. A test is named by its file, without
// `.test.ts`, and by its title, or by the title of a suite, or of several in a row.

const yes = (feature: string, ...tests: readonly string[]): Claim => claim("yes", feature, "", tests);
/** As in Socket.IO, with something to say about it. */
const noted = (feature: string, note: string, ...tests: readonly string[]): Claim =>
  claim("yes", feature, note, tests);
/** @param row of docs/differences.md */
const different = (feature: string, row: string, ...tests: readonly string[]): Claim =>
  claim("different", feature, row, tests);
const no = (feature: string, why: string, ...tests: readonly string[]): Claim =>
  claim("no", feature, why, tests);

export const PARITY: readonly Part[] = [
  {
    title: "1.1 Options of the engine",
    claims: [
      yes("`path`", "test/parity/options: path", "packages/transport/test/server/attach: attach"),
      different(
        "`path`, asked for without its last slash",
        "`/socket.io?EIO=4…`, without the slash",
        "test/interop/differences: the path without its slash",
      ),
      yes("`addTrailingSlash`", "test/parity/options: addTrailingSlash"),
      yes("`destroyUpgrade`", "test/parity/options: destroyUpgrade, destroyUpgradeTimeout"),
      yes(
        "`destroyUpgradeTimeout`",
        "packages/transport/test/server/attach: upgrade requests that are not ours",
      ),
      yes(
        "`pingInterval`",
        "test/interop/wire/server: opens with the numbers that were configured",
        "test/interop/wire/server: pings, and goes on as long as it is answered",
      ),
      yes(
        "`pingTimeout`",
        "test/interop/wire/server: drops who does not answer a ping",
        "test/parity/reasons: ping timeout",
      ),
      yes(
        "`upgradeTimeout`",
        "test/interop/wire/server: goes on over long-polling when the candidate never upgrades",
      ),
      yes("`maxHttpBufferSize`", "test/parity/options: maxHttpBufferSize"),
      yes(
        "`allowRequest`",
        "test/parity/options: allowRequest",
        "packages/transport/test/server/gate: allowRequest",
      ),
      different(
        "`allowRequest` that returns a promise",
        "`allowRequest`",
        "test/interop/differences: an app that decides by a promise",
      ),
      yes("`transports`", "test/parity/options: transports"),
      yes(
        '`transports: ["webtransport"]`',
        "test/interop/webtransport: carries events, acknowledgements and bytes both ways",
        "packages/transport/test/server/webtransport: the app's say > refuses where WebTransport is not among the transports",
      ),
      yes("`allowUpgrades`", "test/parity/options: allowUpgrades"),
      yes(
        "`perMessageDeflate`",
        "test/parity/options: perMessageDeflate",
        "test/parity/options: perMessageDeflate carries messages",
      ),
      yes(
        "`httpCompression`",
        "test/parity/options: httpCompression",
        "packages/transport/test/server/polling: compression of polls",
      ),
      yes(
        "`wsEngine`",
        "test/parity/options: wsEngine",
        "packages/transport/test/server/gate: uses another WebSocket implementation by its public interface only",
      ),
      yes(
        "`initialPacket`",
        "test/parity/options: initialPacket",
        "test/interop/wire/server: sends the initial packet right after OPEN",
      ),
      yes(
        "`cookie`",
        "test/parity/options: cookie",
        "test/interop/wire/server: sets the sticky cookie on the handshake only, if asked for",
      ),
      yes(
        "`cookie` is set by polling only",
        "packages/transport/test/server/gate: is set by polling handshakes only",
      ),
      yes(
        "`cors`",
        "test/parity/options: cors",
        "test/parity/options: cors, as a function",
        "packages/transport/test/server/gate: CORS",
      ),
      yes(
        "`allowEIO3`",
        "test/interop/matrix/version-2: is in the main namespace without having asked",
        "test/interop/matrix/version-2: is refused unless allowEIO3 is on",
      ),
      different(
        "options that make no sense",
        "options that make no sense (a `pingInterval` of 0, a limit that is no number)",
        "test/interop/differences: a pingInterval of 0",
      ),
    ],
  },
  {
    title: "1.2 Options of the server",
    claims: [
      yes(
        "`serveClient`",
        "test/parity/options: serveClient",
        "packages/server/test/client-files: serving client files",
      ),
      yes("`adapter`, a class or a function", "test/parity/options: adapter, as a class or a function"),
      yes("`parser`", "test/parity/options: parser"),
      yes(
        "`connectTimeout`",
        "test/parity/options: connectTimeout",
        "test/interop/wire/server: drops who joins nothing",
        "test/interop/wire/server: keeps who joined in time",
      ),
      yes(
        "`connectionStateRecovery`",
        "test/interop/matrix/recovery: brings back id, rooms, data and what was missed",
      ),
      yes(
        "`connectionStateRecovery.maxDisconnectionDuration`",
        "test/parity/options: connectionStateRecovery.maxDisconnectionDuration",
      ),
      yes(
        "`connectionStateRecovery.skipMiddlewares`",
        "test/parity/options: connectionStateRecovery.skipMiddlewares",
      ),
      yes("`cleanupEmptyChildNamespaces`", "test/parity/options: cleanupEmptyChildNamespaces"),
      no(
        "`compression`, `idleTimeout`, `maxBackpressure`, `maxPayloadLength` of µWebSockets.js",
        "µWebSockets.js is in no package registry, so nothing here can depend on it or be tested with it",
      ),
    ],
  },
  {
    title: "1.3 `Server`",
    claims: [
      yes("exports `Server`, `Namespace`, `Socket`", "test/parity/server: the module's names"),
      yes(
        "exports `BroadcastOperator`, `RemoteSocket`, and types",
        "packages/server/test/types: sockets of other nodes",
        "packages/server/test/types: broadcasts",
      ),
      yes('`require("…")(server, options)`', "test/parity/server: require()(server, options)"),
      yes(
        "`new Server(options)`",
        "test/parity/server: new Server(options)",
        "test/parity/server: new Server()",
      ),
      yes("`new Server(httpServer, options)`", "test/parity/server: new Server(httpServer, options)"),
      yes("`new Server(port, options)`, a text included", "test/parity/server: new Server(port, options)"),
      yes("on an https server", "test/parity/server: an https server"),
      yes("on an http2 server with `allowHTTP1`", "test/parity/server: an http2 server with allowHTTP1"),
      yes(
        "on a plain http2 server",
        "test/parity/server: a plain http2 server",
        "packages/transport/test/server/http2: polling over HTTP/2",
      ),
      yes("an Express app throws", "test/parity/server: an Express app throws"),
      yes(
        "type parameters",
        "packages/server/test/types: handlers",
        "packages/server/test/types: between servers",
      ),
      yes("`sockets`", "test/parity/server: sockets"),
      yes("`engine`", "test/parity/server: engine"),
      yes("`httpServer`", "test/parity/server: httpServer"),
      yes("`_nsps`", "test/parity/server: _nsps"),
      yes("`_opts`", "test/parity/server: _opts"),
      yes("`serveClient()`", "test/parity/server: serveClient()"),
      yes("`path()`", "test/parity/server: path()"),
      yes("`connectTimeout()`", "test/parity/server: connectTimeout()"),
      yes("`adapter()`", "test/parity/server: adapter()"),
      yes("`attach()`", "test/parity/server: attach(), listen()"),
      yes("`listen()`", "test/parity/server: attach(), listen()"),
      no(
        "`attachApp()`",
        "µWebSockets.js is in no package registry, so nothing here can depend on it or be tested with it",
      ),
      yes("`bind()`", "test/parity/server: bind()"),
      yes("`of(name)`", "test/parity/server: of(name)"),
      yes("`of(name, listener)`", "test/parity/server: of(name, listener)"),
      yes("`of(RegExp)`", "test/parity/server: of(RegExp)"),
      yes("`of(RegExp)` with state throws", "test/parity/server: of(RegExp) with the flag g throws"),
      yes("`of(function)`", "test/parity/server: of(function)"),
      yes(
        "`close()`",
        "test/parity/server: close()",
        "test/parity/server: close() of a server that does not run",
      ),
      yes("`use()`", "test/parity/server: use()"),
      yes("`to()`", "test/parity/broadcast: io.to()"),
      yes("`in()`", "test/parity/broadcast: io.in()"),
      yes("`except()`", "test/parity/broadcast: io.except()"),
      yes("`compress()`", "test/parity/broadcast: io.compress()"),
      yes("`volatile`", "test/parity/broadcast: io.volatile"),
      yes("`local`", "test/parity/broadcast: io.local"),
      yes("`timeout()`", "test/parity/broadcast: io.timeout()"),
      yes("`emit()`", "test/parity/broadcast: io.emit()"),
      yes("`fetchSockets()`", "test/parity/broadcast: io.fetchSockets()"),
      yes("`socketsJoin()`", "test/parity/broadcast: io.socketsJoin()"),
      yes("`socketsLeave()`", "test/parity/broadcast: io.socketsLeave()"),
      yes("`disconnectSockets()`", "test/parity/broadcast: io.disconnectSockets()"),
      yes("`allSockets()`", "test/parity/broadcast: io.allSockets()"),
      yes("`send()`, `write()`", "test/parity/server: send(), write()"),
      different(
        "`emitWithAck()`",
        "`io.emitWithAck`, `namespace.emitWithAck`",
        "test/interop/differences: io.emitWithAck and namespace.emitWithAck",
      ),
      different(
        "`emit()` with a callback and no timeout",
        "`emit` with a callback to many, without `timeout()`",
        "test/interop/differences: a broadcast with a callback and without a timeout",
      ),
      yes(
        "`serverSideEmit()`",
        "test/parity/server: serverSideEmit(), serverSideEmitWithAck()",
        "test/parity/server: serverSideEmit() of a reserved name throws",
      ),
      yes("`serverSideEmitWithAck()`", "test/parity/server: serverSideEmit(), serverSideEmitWithAck()"),
      yes(
        "`on`, `addListener`, `once`, `prependListener`, `prependOnceListener`, `off`, `removeListener`, `removeAllListeners`, `listeners`, `rawListeners`, `listenerCount`, `eventNames`, `setMaxListeners`, `getMaxListeners`",
        "test/parity/server: EventEmitter's methods are the main namespace's",
      ),
      yes("event `connection`", "test/parity/server: the events connection and connect"),
      yes("event `connect`", "test/parity/server: the events connection and connect"),
      yes("event `new_namespace`", "test/parity/server: the event new_namespace"),
      different(
        "event `error`",
        "a handler throws, or an async handler rejects",
        "packages/server/test/server: an error of the app's code",
      ),
    ],
  },
  {
    title: "1.4 `Namespace` and `ParentNamespace`",
    claims: [
      yes("`name`, `sockets`, `adapter`, `server`", "test/parity/server: name, sockets, adapter, server"),
      yes("`use()`", "test/parity/server: use()"),
      yes("`to()`", "test/parity/broadcast: namespace.to()"),
      yes("`in()`", "test/parity/broadcast: namespace.in()"),
      yes("`except()`", "test/parity/broadcast: namespace.except()"),
      yes("`compress()`", "test/parity/broadcast: namespace.compress()"),
      yes("`volatile`", "test/parity/broadcast: namespace.volatile"),
      yes("`local`", "test/parity/broadcast: namespace.local"),
      yes("`timeout()`", "test/parity/broadcast: namespace.timeout()"),
      yes("`emit()`", "test/parity/broadcast: namespace.emit()"),
      yes("`fetchSockets()`", "test/parity/broadcast: namespace.fetchSockets()"),
      yes("`socketsJoin()`", "test/parity/broadcast: namespace.socketsJoin()"),
      yes("`socketsLeave()`", "test/parity/broadcast: namespace.socketsLeave()"),
      yes("`disconnectSockets()`", "test/parity/broadcast: namespace.disconnectSockets()"),
      yes("`allSockets()`", "test/parity/broadcast: namespace.allSockets()"),
      yes("`send()`, `write()`", "test/parity/server: send(), write()"),
      different(
        "`emitWithAck()`",
        "`io.emitWithAck`, `namespace.emitWithAck`",
        "test/interop/differences: io.emitWithAck and namespace.emitWithAck",
      ),
      yes(
        "`serverSideEmit()`, `serverSideEmitWithAck()`",
        "test/parity/server: serverSideEmit(), serverSideEmitWithAck()",
      ),
      yes("events `connection`, `connect`", "test/parity/server: the events connection and connect"),
      yes(
        "`ParentNamespace`: children inherit",
        "test/parity/server: ParentNamespace: children inherit, emit() reaches them, fetchSockets() throws",
        "packages/server/test/parent-namespace: are made when the first client asks, once, with what the parent has at that moment",
      ),
      yes("`ParentNamespace.emit()`", "test/interop/matrix/namespaces: of one parent are reached through it"),
      yes(
        "first connections at the same time make one child",
        "packages/server/test/parent-namespace: is one for clients that ask at the same time, also if a function takes its time",
      ),
      yes(
        "a name that matches a parent becomes its child",
        "test/interop/matrix/namespaces: that match a parent and are named become its children",
      ),
      yes("`Invalid namespace`", "test/parity/server: a namespace that does not exist"),
    ],
  },
  {
    title: "1.5 `Socket` of the server",
    claims: [
      yes("`id`", "test/parity/socket: id"),
      yes(
        "`id` of a client of Socket.IO 2",
        "test/interop/matrix/version-2: has the id of its connection in the main namespace, and one made of it elsewhere",
      ),
      yes("`handshake`", "test/parity/socket: handshake"),
      yes("`rooms`, `join()`, `leave()`", "test/parity/socket: rooms, join(), leave()"),
      yes(
        "`join()` after the disconnection",
        "test/parity/socket: join() after the disconnection does nothing",
      ),
      yes("`data`", "test/parity/socket: data"),
      yes("`connected`, `disconnected`", "test/parity/socket: connected, disconnected"),
      yes("`recovered`", "test/parity/socket: recovered", "test/parity/client: recovered"),
      yes("`nsp`, `client`, `conn`, `request`", "test/parity/socket: nsp, client, conn, request"),
      yes(
        "`request._query`, and what the app has put on the request",
        "test/interop/requests: request._query is the query, with nothing",
        "test/interop/requests: what http.prependListener puts on the request is kept",
      ),
      yes(
        "`server`, `adapter`, `leaveAll`",
        "packages/server/test/handle: server, adapter and leaveAll are there, as in Socket.IO",
      ),
      yes("`emit()`", "test/parity/socket: emit()", "test/parity/socket: emit() with an acknowledgement"),
      yes("`emitWithAck()`", "test/parity/socket: emitWithAck()"),
      different(
        "`emitWithAck()` of a client that has left",
        "`emitWithAck`, or a callback with a timeout, after the client has left",
        "test/interop/differences: emitWithAck after the client has left",
      ),
      yes("`send()`, `write()`", "test/parity/socket: send(), write()"),
      yes("`timeout()`", "test/parity/socket: timeout()"),
      yes("`compress()`", "test/parity/socket: compress()"),
      yes("`volatile`", "test/parity/socket: volatile"),
      different(
        "flags that no emit has used",
        "`socket.volatile`, `socket.timeout(ms)`, `socket.compress(b)`",
        "test/interop/differences: a flag that no emit has used is there at the next",
      ),
      yes("`broadcast`", "test/parity/socket: broadcast"),
      yes("`local`", "test/parity/socket: local"),
      yes("`to()`", "test/parity/socket: to()"),
      yes("`in()`", "test/parity/socket: in()"),
      yes("`except()`", "test/parity/socket: except()"),
      yes("`disconnect()`", "test/parity/socket: disconnect()"),
      yes("`disconnect(true)`", "test/parity/socket: disconnect(true)"),
      yes("`use()`", "test/parity/socket: use()"),
      yes(
        "`onAny()`, `prependAny()`, `offAny()`, `listenersAny()`",
        "test/parity/socket: onAny(), prependAny(), offAny(), listenersAny()",
      ),
      yes(
        "`onAnyOutgoing()`, `prependAnyOutgoing()`, `offAnyOutgoing()`, `listenersAnyOutgoing()`",
        "test/parity/socket: onAnyOutgoing(), prependAnyOutgoing(), offAnyOutgoing(), listenersAnyOutgoing()",
      ),
      yes(
        "events `disconnect`, `disconnecting`",
        "test/parity/socket: the events disconnecting and disconnect",
      ),
      yes(
        "event `error`",
        "test/parity/socket: the event error",
        "test/interop/matrix/middleware: that refuses without a listener harms nobody",
      ),
      yes(
        "packets after the disconnection are dropped",
        "test/parity/socket: packets after the disconnection are dropped",
      ),
      yes("reserved names throw", "test/parity/socket: reserved names"),
      different(
        "a handler that throws, or rejects",
        "a handler throws, or an async handler rejects",
        "packages/server/test/server: an error of the app's code",
      ),
    ],
  },
  {
    title: "1.6 `Client`",
    claims: [
      yes("`conn`, `request`, `id`", "test/parity/socket: nsp, client, conn, request"),
      no("its maps of sockets", "private in Socket.IO"),
      yes(
        "an event before CONNECT ends the connection",
        "test/parity/socket: an event before CONNECT closes with 1005",
        "packages/server/test/connection: by an event before any CONNECT",
      ),
      yes("a second CONNECT ends the connection", "packages/server/test/connection: by a second CONNECT"),
      yes(
        "CONNECT_ERROR from a client ends the connection",
        "packages/server/test/connection: by a CONNECT_ERROR from a client",
      ),
      different(
        "a malformed packet ends the connection",
        "a malformed Socket.IO packet over WebSocket",
        "test/interop/differences: a malformed packet over a WebSocket",
      ),
      different(
        "an event for a namespace that was left",
        "an event for a namespace that the client has left or was put out of",
        "test/interop/differences: an event for a namespace that was left",
      ),
    ],
  },
  {
    title: "1.7 `BroadcastOperator`",
    claims: [
      yes("`to()`", "test/parity/broadcast: operator.to()"),
      yes("`in()`", "test/parity/broadcast: operator.in()"),
      yes("`except()`", "test/parity/broadcast: operator.except()"),
      yes("`compress()`", "test/parity/broadcast: operator.compress()"),
      yes("`volatile`", "test/parity/broadcast: operator.volatile"),
      yes("`local`", "test/parity/broadcast: operator.local"),
      yes("`timeout()`", "test/parity/broadcast: operator.timeout()"),
      yes("`emit()`", "test/parity/broadcast: operator.emit()"),
      yes("`fetchSockets()`", "test/parity/broadcast: operator.fetchSockets()"),
      yes("`socketsJoin()`", "test/parity/broadcast: operator.socketsJoin()"),
      yes("`socketsLeave()`", "test/parity/broadcast: operator.socketsLeave()"),
      yes("`disconnectSockets()`", "test/parity/broadcast: operator.disconnectSockets()"),
      yes("`allSockets()`", "test/parity/broadcast: operator.allSockets()"),
      yes("`emitWithAck()`", "test/parity/broadcast: operator.timeout().emitWithAck()"),
      yes("immutable", "test/parity/broadcast: are immutable"),
      yes("several `to()`: each client once", "test/parity/broadcast: reach each client once"),
      yes(
        "the order with what is emitted to one socket",
        "test/parity/broadcast: keep the order with what is emitted to one socket",
      ),
      yes("`except(socketId)`", "test/parity/broadcast: except() takes a socket id"),
      yes(
        "on timeout: `operation has timed out`, and the answers that came",
        "test/parity/broadcast: operator.timeout() that passes",
      ),
      yes(
        "`volatile` is per receiver",
        "packages/server/test/broadcast: volatile drops for receivers that are not ready, and only for them",
      ),
    ],
  },
  {
    title: "1.8 `RemoteSocket`",
    claims: [
      yes("`id`, `handshake`, `rooms`, `data`", "test/parity/socket: id, handshake, rooms, data"),
      yes("`emit()`", "test/parity/socket: emit()"),
      yes("`timeout()`: one answer, not a list", "test/parity/socket: timeout()"),
      yes("`join()`, `leave()`", "test/parity/socket: join(), leave()"),
      yes("`disconnect()`", "test/parity/socket: disconnect()"),
    ],
  },
  {
    title: "1.9 Adapters",
    claims: [
      yes("`rooms`, `sids`, `nsp`", "test/parity/adapter: rooms, sids, nsp"),
      yes(
        "`init()`, `close()`",
        "test/parity/adapter: init(), close()",
        "test/parity/options: adapter, as a class or a function",
      ),
      yes("`serverCount()`", "test/parity/adapter: serverCount()"),
      yes(
        "`addAll()`, `del()`, `delAll()`, `socketRooms()`",
        "test/parity/adapter: addAll(), del(), delAll(), socketRooms()",
      ),
      yes("`broadcast()`", "test/parity/adapter: broadcast()"),
      yes("`broadcastWithAck()`", "test/parity/adapter: broadcastWithAck()"),
      yes("`sockets()`", "test/parity/adapter: sockets()"),
      yes("`fetchSockets()`", "test/parity/adapter: fetchSockets()"),
      yes("`serverSideEmit()`", "test/parity/adapter: serverSideEmit()"),
      yes("`disconnectSockets()`", "test/parity/adapter: disconnectSockets()"),
      yes("`addSockets()`, `delSockets()`", "test/parity/adapter: addSockets(), delSockets()"),
      yes(
        "`persistSession()`, `restoreSession()`",
        "test/parity/adapter: persistSession(), restoreSession()",
      ),
      yes(
        "events `create-room`, `delete-room`, `join-room`, `leave-room`",
        "test/parity/adapter: the events create-room, join-room, leave-room, delete-room",
      ),
      yes(
        "a broadcast is encoded once",
        "packages/adapter/test/adapter: encodes a broadcast once, and all receivers share it",
      ),
      yes(
        "`SessionAwareAdapter`",
        "test/interop/packages/adapter: SessionAwareAdapter: a client with a secret that nobody knows is a new one",
      ),
      yes(
        "`ClusterAdapter`, its messages and its errors",
        "test/interop/packages/adapter: a ClusterAdapter of the app's own, between sockeye and sockeye",
      ),
      yes(
        "`ClusterAdapterWithHeartbeat`, `heartbeatInterval`, `heartbeatTimeout`",
        "test/interop/packages/adapter: a ClusterAdapter of the app's own, between sockeye and sockeye",
      ),
    ],
  },
  {
    title: "1.10 `io.engine`",
    claims: [
      noted(
        "`Server`, `Socket`, `attach`, `listen`, `protocol` of the package `engine.io`",
        "`@sockeye/server/engine`",
        "test/interop/engine: carries text and bytes both ways, in order",
        "test/interop/engine: answers nothing but itself, with 501",
      ),
      no(
        "`uServer` of the package `engine.io`",
        "µWebSockets.js is in no package registry, so nothing here can depend on it or be tested with it",
      ),
      no(
        "`Transport`, `transports`, `parser` of the package `engine.io`",
        "a Socket.IO server takes transports by name, nothing takes these classes; the parser is the package `engine.io-parser`",
      ),
      yes("`attach()`", "test/parity/engine: attach()"),
      yes("`close()`", "test/parity/engine: close()"),
      yes("`generateId()`", "test/parity/engine: generateId()"),
      yes("`upgrades()`", "test/parity/engine: upgrades()"),
      yes("`opts`", "test/parity/engine: opts"),
      yes("`clientsCount`", "test/parity/engine: clientsCount"),
      yes("`handleRequest()`, `handleUpgrade()`", "test/parity/engine: handleRequest(), handleUpgrade()"),
      yes(
        "`onWebTransportSession()`",
        "test/interop/webtransport: carries events, acknowledgements and bytes both ways",
        "packages/transport/test/server/webtransport: a session of WebTransport",
      ),
      yes("`clients`", "test/interop/engine: carries text and bytes both ways, in order"),
      noted(
        "`httpServer`",
        "set by `listen` of `@sockeye/server/engine`, as in Socket.IO",
        "test/interop/engine: carries text and bytes both ways, in order",
      ),
      yes("event `connection`", "test/parity/engine: the event connection"),
      yes("event `connection_error`", "test/parity/engine: the event connection_error"),
      yes(
        "events `initial_headers`, `headers`",
        "test/parity/engine: the events initial_headers and headers",
      ),
      yes("events `flush`, `drain`", "test/parity/engine: the events flush and drain"),
      yes("`use()`: every request and upgrade", "test/parity/handshake: runs for every request and upgrade"),
      yes("`use()` with helmet", "test/parity/handshake: helmet"),
      yes("`use()` with express-session", "test/parity/handshake: express-session"),
      yes("`use()` with Passport", "test/parity/handshake: passport"),
      yes("`use()`: a middleware that fails", "test/parity/handshake: a middleware that fails"),
    ],
  },
  {
    title: "1.11 `socket.conn`",
    claims: [
      yes(
        "`id`, `protocol`, `request`, `remoteAddress`, `readyState`",
        "test/parity/engine: id, protocol, request, remoteAddress, readyState",
      ),
      yes("`transport`, `upgraded`, `upgrading`", "test/parity/engine: transport, upgraded, upgrading"),
      yes(
        "`send()`, `write()`",
        "test/parity/engine: send(), write()",
        "test/parity/engine: send() with a callback",
      ),
      yes("`close()`", "test/parity/engine: close()", "test/parity/engine: close(true)"),
      no("event `open`", "in Socket.IO, too, it comes before an app can listen"),
      yes("events `packet`, `data`, `message`", "test/parity/engine: the events packet, data and message"),
      yes(
        "events `packetCreate`, `flush`, `drain`",
        "test/parity/engine: the events packetCreate, flush and drain",
      ),
      yes(
        "event `heartbeat`",
        "test/parity/engine: the event heartbeat",
        "test/parity/engine: heartbeat tells of nothing but heartbeats",
      ),
      yes("events `upgrading`, `upgrade`", "test/parity/engine: the events upgrading and upgrade"),
      yes("event `close`", "test/parity/engine: the event close"),
    ],
  },
  {
    title: "1.12 µWebSockets.js",
    claims: [
      no(
        "rooms as topics of µWebSockets.js",
        "µWebSockets.js is in no package registry, so nothing here can depend on it or be tested with it",
      ),
    ],
  },
  {
    title: "1.13 `io` and its options",
    claims: [
      yes(
        "`io`, `connect`, `default`, `io.connect`, `Manager`, `Socket`, `protocol`",
        "test/parity/client: io, connect, default, Manager, Socket, protocol",
      ),
      yes(
        "`Fetch`, `XHR`, `NodeXHR`, `WebSocket`, `NodeWebSocket`",
        "test/parity/client: Fetch, XHR, NodeXHR, WebSocket, NodeWebSocket",
      ),
      yes(
        "`WebTransport`",
        "test/interop/webtransport: carries events, acknowledgements and bytes both ways",
        "packages/transport/test/client/webtransport: the dialling end of WebTransport",
      ),
      yes("the path of the URL is the namespace", "test/parity/client: io(url): the path is the namespace"),
      yes("the query of the URL", "test/parity/client: query of the URL"),
      yes("no URL: the page", "packages/client/test/io: needs a URL where there is no page"),
      yes("managers are shared", "test/parity/client: managers are shared"),
      yes("`forceNew`, `multiplex`", "test/parity/client: forceNew, multiplex"),
      yes("`path`", "test/parity/client: path"),
      yes("`addTrailingSlash`", "test/parity/client: addTrailingSlash"),
      yes("`query`", "test/parity/client: query"),
      yes("`transports`", "test/parity/client: transports"),
      different(
        "the default of `transports`",
        "no `transports` in the options",
        "test/interop/differences-transports: no transports in the options",
      ),
      yes("`transportImplementations`", "test/parity/client: transportImplementations"),
      yes("`tryAllTransports`", "test/parity/client: tryAllTransports"),
      yes("`upgrade`", "test/parity/client: upgrade"),
      yes("`rememberUpgrade`", "test/parity/client: rememberUpgrade"),
      yes("`forceBase64`", "test/parity/client: forceBase64"),
      yes("`transportOptions`", "test/parity/client: transportOptions"),
      yes("`extraHeaders`", "test/parity/client: extraHeaders"),
      yes("`protocols`", "test/parity/client: protocols"),
      yes("`agent`", "test/parity/client: agent"),
      yes("`host`, `hostname`, `port`, `secure`", "test/parity/client: host, hostname, port, secure"),
      yes("`timestampParam`, `timestampRequests`", "test/parity/client: timestampParam, timestampRequests"),
      different(
        "`requestTimeout`",
        "on Node.js, `requestTimeout`",
        "test/interop/differences-http: requestTimeout of a request that is never answered",
      ),
      yes("`withCredentials`", "test/parity/client: withCredentials"),
      yes(
        "`closeOnBeforeunload`",
        "packages/client/test/page: that goes away takes the connection along without an event, if asked to",
      ),
      yes(
        "`useNativeTimers`",
        "test/interop/fake-timers: connects, answers and broadcasts before, while they are in use, and after",
      ),
      yes(
        "`autoUnref`",
        "test/interop/process: autoUnref over a WebSocket",
        "test/interop/process: autoUnref after an upgrade",
      ),
      different(
        "`perMessageDeflate`",
        "permessage-deflate, on Node.js",
        "test/parity/client: perMessageDeflate",
        "test/interop/differences: permessage-deflate is offered",
      ),
      yes("`ca`, `rejectUnauthorized`", "test/parity/client: ca, rejectUnauthorized"),
      yes(
        "`pfx`, `key`, `passphrase`, `cert`, `ciphers`, `checkServerIdentity`",
        "packages/engine/test/client/target: shows all options to Node.js, which takes those of sockets and TLS",
      ),
      yes(
        "`localAddress`, `protocolVersion`, `origin`, `maxPayload`, `family`",
        "test/parity/client: localAddress, origin, protocolVersion, maxPayload, family",
      ),
      yes("`autoConnect`", "test/parity/client: autoConnect"),
      yes("`parser`", "test/parity/client: parser"),
      yes(
        "`reconnection`, `reconnectionAttempts`, `reconnectionDelay`, `reconnectionDelayMax`, `randomizationFactor`",
        "test/parity/client: reconnection, reconnectionAttempts, reconnectionDelay, reconnectionDelayMax, randomizationFactor",
        "packages/client/test/manager: reconnection",
      ),
      yes("`timeout`", "test/parity/client: timeout"),
      yes("`auth`", "test/parity/client: auth"),
      yes("`retries`", "test/parity/client: retries"),
      yes("`ackTimeout`", "test/parity/client: ackTimeout"),
    ],
  },
  {
    title: "1.14 `Manager`",
    claims: [
      yes("`open()`, `connect()`", "test/parity/client: open(), connect()"),
      yes("`socket()`", "test/parity/client: socket()"),
      yes("`disconnect()`", "packages/client/test/manager: disconnect"),
      yes(
        "`reconnection()`, `reconnectionAttempts()`, `reconnectionDelay()`, `reconnectionDelayMax()`, `randomizationFactor()`, `timeout()`",
        "test/parity/client: reconnection(), reconnectionAttempts(), reconnectionDelay(), reconnectionDelayMax(), randomizationFactor(), timeout()",
      ),
      yes(
        "`engine`, `opts`, `_readyState`, `_reconnecting`",
        "test/parity/client: engine, opts, _readyState, _reconnecting",
      ),
      yes(
        "`opts` may be changed for the next attempt",
        "test/parity/client: opts may be changed for the next attempt",
      ),
      yes("events `open`, `packet`, `close`", "test/parity/client: the events open, packet and close"),
      yes("event `ping`", "test/parity/client: the event ping"),
      yes("event `error`", "test/parity/client: the event error"),
      yes(
        "events `reconnect_attempt`, `reconnect`",
        "test/parity/client: the events reconnect_attempt and reconnect",
      ),
      yes(
        "events `reconnect_error`, `reconnect_failed`",
        "test/parity/client: the events reconnect_error and reconnect_failed",
      ),
      yes("`on()`, `once()`, `off()`, `listeners()`", "test/parity/client: on(), once(), off(), listeners()"),
    ],
  },
  {
    title: "1.15 `Socket` of the client",
    claims: [
      yes(
        "`id`, `connected`, `disconnected`, `active`",
        "test/parity/client: id, connected, disconnected, active",
      ),
      yes("`recovered`", "test/parity/client: recovered"),
      yes(
        "`io`, `auth`, `sendBuffer`, `receiveBuffer`",
        "test/parity/client: io, auth, sendBuffer, receiveBuffer",
      ),
      yes("`connect()`, `open()`", "test/parity/client: connect(), open()"),
      yes("`disconnect()`, `close()`", "test/parity/client: disconnect(), close()"),
      yes("`emit()`, `send()`", "test/parity/client: emit(), send()"),
      yes(
        "`emit()` with an acknowledgement, `emitWithAck()`",
        "test/parity/client: emit() with an acknowledgement, emitWithAck()",
      ),
      yes("`timeout()`", "test/parity/client: timeout()"),
      yes("`compress()`, `volatile`", "test/parity/client: compress(), volatile"),
      different(
        "flags that no emit has used",
        "`socket.volatile`, `socket.timeout(ms)`, `socket.compress(b)`",
        "test/interop/differences: a flag that no emit has used is there at the next",
      ),
      yes(
        "`on()`, `once()`, `off()`, `listeners()`, `hasListeners()`, `removeAllListeners()`",
        "test/parity/client: on(), once(), off(), listeners(), hasListeners(), removeAllListeners()",
      ),
      yes(
        "`onAny()`, `prependAny()`, `offAny()`, `listenersAny()`",
        "test/parity/client: onAny(), prependAny(), offAny(), listenersAny()",
      ),
      yes(
        "`onAnyOutgoing()`, `prependAnyOutgoing()`, `offAnyOutgoing()`, `listenersAnyOutgoing()`",
        "test/parity/client: onAnyOutgoing(), prependAnyOutgoing(), offAnyOutgoing(), listenersAnyOutgoing()",
      ),
      yes(
        "event `connect`",
        "packages/client/test/socket: joins the namespace as soon as the manager's connection stands",
      ),
      yes(
        "event `connect_error`, of a middleware",
        "test/parity/client: the event connect_error, of a middleware",
      ),
      yes(
        "event `connect_error`, of the connection: `type`, `description`, `context`",
        "test/parity/client: the event connect_error, of the connection",
      ),
      yes("event `disconnect`", "test/parity/client: the event disconnect"),
      yes(
        "what waits is sent before `connect`",
        "test/interop/matrix/connect: keeps what is emitted before the connection stands, in order",
      ),
      yes(
        "packets before CONNECT wait",
        "packages/client/test/socket: that come before the answer to CONNECT wait for it",
      ),
      yes(
        "acknowledgements fail with the connection",
        "test/parity/client: acknowledgements fail with the connection",
        "test/interop/matrix/acks: that a disconnection prevents fail on the client when they can",
      ),
      yes(
        "a heartbeat that is overdue is seen by `emit()`",
        "packages/client/test/socket: wait after a heartbeat that is overdue by the time of day, though no timer has noticed",
      ),
      yes(
        "the page's event `offline`",
        "packages/client/test/page: that is offline ends the connection at once",
        "packages/client/test/page: that is offline still reaches localhost",
      ),
      different(
        "a handler that throws",
        "a handler throws, or an async handler rejects",
        "packages/client/test/socket: go on when a listener throws or rejects",
      ),
    ],
  },
  {
    title: "1.16 `engine.io-client`",
    claims: [
      noted(
        "`new Socket(uri, options)` of the package `engine.io-client`",
        "`@sockeye/client/engine`",
        "test/interop/engine: carries text and bytes both ways, in order",
        "test/interop/engine: takes host, port and path from its options, too",
      ),
      yes("`id`, `readyState`, `transport`", "test/parity/client: id, readyState, transport"),
      yes("`send()`, `write()`", "test/parity/client: send(), write()"),
      yes("`send()` with a callback", "test/interop/engine: tells when a message has left"),
      noted(
        "`binaryType`",
        "of `@sockeye/client/engine`",
        "test/interop/engine: gives bytes in the form that was asked for",
      ),
      yes("`close()`", "test/parity/client: close()"),
      yes("events `handshake`, `open`", "test/parity/client: the events handshake and open"),
      yes("events `packet`, `data`, `message`", "test/parity/client: the events packet, data and message"),
      yes(
        "events `packetCreate`, `flush`, `drain`",
        "test/parity/client: the events packetCreate, flush and drain",
      ),
      yes(
        "events `heartbeat`, `ping`, `pong`",
        "test/parity/client: the events heartbeat, ping and pong",
        "test/parity/client: heartbeat tells of any packet",
      ),
      yes("events `upgrading`, `upgrade`", "test/parity/client: the events upgrading and upgrade"),
      yes("event `upgradeError`", "test/parity/client: the event upgradeError"),
      yes("event `error`", "test/parity/client: the event error"),
      yes("event `close`", "test/parity/client: the event close"),
    ],
  },
  {
    title: "1.17 Reserved names and reasons",
    claims: [
      yes(
        "`connect` is reserved",
        'test/parity/socket: emit("connect") throws',
        'test/parity/client: emit("connect") throws',
      ),
      yes(
        "`connect_error` is reserved",
        'test/parity/socket: emit("connect_error") throws',
        'test/parity/client: emit("connect_error") throws',
      ),
      yes(
        "`disconnect` is reserved",
        'test/parity/socket: emit("disconnect") throws',
        'test/parity/client: emit("disconnect") throws',
      ),
      yes(
        "`disconnecting` is reserved",
        'test/parity/socket: emit("disconnecting") throws',
        'test/parity/client: emit("disconnecting") throws',
      ),
      yes(
        "`newListener` is reserved",
        'test/parity/socket: emit("newListener") throws',
        'test/parity/client: emit("newListener") throws',
      ),
      yes(
        "`removeListener` is reserved",
        'test/parity/socket: emit("removeListener") throws',
        'test/parity/client: emit("removeListener") throws',
      ),
      yes("reserved names from the wire", "packages/codec/test/validate: validation"),
      yes("server: `server namespace disconnect`", "test/parity/reasons: server namespace disconnect"),
      yes("server: `client namespace disconnect`", "test/parity/reasons: client namespace disconnect"),
      yes("server: `server shutting down`", "test/parity/reasons: server shutting down"),
      yes("server: `ping timeout`", "test/parity/reasons: ping timeout"),
      yes("server: `transport close`", "test/parity/reasons: transport close"),
      yes("server: `transport error`", "test/parity/reasons: transport error"),
      yes("server: `parse error`", "test/parity/reasons: parse error"),
      yes("server: `forced close`", "test/parity/reasons: forced close"),
      yes("server: `forced server close`", "test/parity/reasons: forced server close"),
      yes("client: `io server disconnect`", "test/parity/reasons: io server disconnect"),
      yes("client: `io client disconnect`", "test/parity/reasons: io client disconnect"),
      yes("client: `ping timeout`", "test/parity/reasons: ping timeout"),
      yes("client: `transport close`", "test/parity/reasons: transport close"),
      yes("client: `transport error`", "test/parity/reasons: transport error"),
      yes("client: `parse error`", "test/parity/reasons: parse error"),
      yes(
        "no new attempt after a middleware refused",
        "test/interop/matrix/middleware: refuses with message and data, once, without another try",
      ),
    ],
  },
  {
    title: "1.18 Errors of handshakes",
    claims: [
      yes("`0 Transport unknown`", "test/parity/handshake: 0 Transport unknown"),
      yes("`1 Session ID unknown`", "test/parity/handshake: 1 Session ID unknown"),
      yes("`2 Bad handshake method`", "test/parity/handshake: 2 Bad handshake method"),
      yes("`3 Bad request: TRANSPORT_MISMATCH`", "test/parity/handshake: 3 Bad request: TRANSPORT_MISMATCH"),
      yes(
        "`3 Bad request: TRANSPORT_HANDSHAKE_ERROR`",
        "test/parity/handshake: 3 Bad request: TRANSPORT_HANDSHAKE_ERROR",
      ),
      yes(
        "`3 Bad request: ID_GENERATION_ERROR`",
        "test/parity/handshake: 3 Bad request: ID_GENERATION_ERROR",
      ),
      yes("`3 Bad request: PROTOCOL_MISMATCH`", "test/parity/handshake: 3 Bad request: PROTOCOL_MISMATCH"),
      yes("`4 Forbidden`", "test/parity/handshake: 4 Forbidden"),
      yes("`5 Unsupported protocol version`", "test/parity/handshake: 5 Unsupported protocol version"),
      yes("`3 Bad request: MIDDLEWARE_FAILURE`", "test/parity/handshake: a middleware that fails"),
      yes(
        "`3 Bad request: INVALID_ORIGIN`",
        "packages/transport/test/server/refusals: names an Origin with control characters",
      ),
      yes(
        "a refused upgrade",
        "test/parity/handshake: a refused upgrade: 400, and the message alone",
        "packages/transport/test/server/refusals: a refused upgrade",
      ),
      yes("the order of the checks", "packages/transport/test/server/refusals: a refused request"),
      yes(
        "another method on a session: 500",
        "packages/transport/test/server/polling: beside the npm package",
      ),
      yes(
        "a body that is too large: 413",
        "packages/transport/test/server/polling: a body over the limit gets 413",
      ),
      yes(
        "a second GET or POST: 400",
        "packages/transport/test/server/polling: a second GET gets 400, the first one CLOSE",
        "packages/transport/test/server/polling: a second POST gets 400, and the first one its end",
      ),
      yes("a body of bytes: 400", "test/security/polling: of bytes: 400, answered and closed (S13)"),
    ],
  },
  {
    title: "1.19 Long-polling",
    claims: [
      yes("a POST is answered with `ok`", "test/interop/wire/server: answers a POST with ok"),
      yes(
        "a GET waits, `text/plain; charset=UTF-8`",
        "test/interop/wire/server: holds a poll until there is something to say",
      ),
      yes(
        "packets are joined by U+001E",
        "test/interop/wire/server: joins the packets of one turn, and takes several in one body",
      ),
      yes("bytes are `b` and base64", "test/interop/wire/server: writes binary as b and base64"),
      yes(
        "the client keeps to `maxPayload`",
        "packages/transport/test/client/polling: cuts a batch into POSTs of maxPayload bytes, one after the other, and lets a larger packet go alone",
      ),
      yes(
        "OPEN",
        "test/interop/wire/server: opens with OPEN, its keys in this order and no others",
        "test/interop/wire/server: opens with OPEN and offers the upgrade",
      ),
      yes(
        "CLOSE from the server",
        "test/interop/wire/server: says the end of the session as a packet",
        "packages/transport/test/server/polling: hears CLOSE within 30 s if none was waiting",
      ),
      yes(
        "CLOSE from the client",
        "test/interop/wire/server: takes the end of the session as a packet, and frees the poll",
      ),
      different(
        "answers as scripts (JSONP)",
        "JSONP",
        "packages/transport/test/server/jsonp: the handshake, callback 0",
        "packages/transport/test/server/jsonp: line feeds, whatever stands around them",
      ),
      yes(
        "a poll or body that breaks off: `transport error`",
        "packages/transport/test/server/polling: that breaks off ends the session",
      ),
    ],
  },
  {
    title: "1.20 Heartbeat",
    claims: [
      yes("the server pings", "test/interop/wire/server: pings, and goes on as long as it is answered"),
      yes("the server gives up", "test/interop/wire/server: drops who does not answer a ping"),
      yes("the client answers", "test/interop/wire/client: answers pings"),
      yes(
        "the client gives up",
        "test/interop/wire/client: gives up a server that pings no more, and dials again",
      ),
      yes(
        "timers of a machine that slept",
        "packages/session/test/session: is overdue by the time of day before a timer of a machine that slept notices",
      ),
      yes(
        "other traffic does not put off a PING",
        "packages/session/test/session: is not put off by other packets",
      ),
      different(
        "other traffic while a PONG is late",
        "a PONG is late, but other packets come",
        "packages/session/test/session: takes any packet for a sign of life",
      ),
      different(
        "a PING from the client",
        "a PING from the client",
        "test/interop/differences: a PING over a WebSocket",
      ),
      yes(
        "revision 3: the client pings",
        "test/interop/matrix/version-2: sends pings, which the server answers, and lives on them",
        "test/interop/matrix/version-2: that pings no more is given up after both times together",
      ),
    ],
  },
  {
    title: "1.21 Upgrade",
    claims: [
      yes("probe, pause, switch", "test/interop/wire/server: is probed, frees the poll and switches"),
      different(
        "the NOOP that ends the poll",
        "the NOOP that ends a poll during an upgrade",
        "test/interop/differences: a NOOP for the waiting poll of a probed session",
      ),
      yes(
        "nothing is lost",
        "packages/session/test/upgrade: loses nothing, and keeps the order, whatever is under way",
      ),
      yes(
        "an upgrade that is not completed",
        "test/interop/wire/server: goes on over long-polling when the candidate never upgrades",
      ),
      different(
        "a second candidate",
        "a second WebSocket for a session that has one",
        "test/interop/differences: a second WebSocket for a session that has one",
        "test/security/websocket: upgrades that race (15)",
      ),
      yes(
        "a poll after the upgrade: TRANSPORT_MISMATCH",
        "test/parity/handshake: 3 Bad request: TRANSPORT_MISMATCH",
      ),
      yes(
        "waiting 200 ms for WebTransport",
        "packages/session/test/upgrade: a client with several candidates",
        "test/interop/webtransport: leaves it to WebSocket where no session comes about",
      ),
    ],
  },
  {
    title: "1.22 Packets",
    claims: [
      yes("types 0 to 6", "packages/protocol/test/packet: the numbers of the wire are Socket.IO's"),
      yes(
        "their text",
        "packages/codec/test/text-codec: the text codec speaks Socket.IO's text",
        "packages/codec/test/stock: socket.io-parser",
      ),
      yes(
        "CONNECT with `auth`",
        "test/interop/wire/server: answers CONNECT of another namespace, with auth",
        "test/interop/wire/client: joins with auth, in the namespace asked for",
      ),
      yes("CONNECT_ERROR", "test/interop/wire/server: refuses with CONNECT_ERROR"),
      yes(
        "binary attachments",
        "test/interop/wire/server: sends and takes binary",
        "test/interop/matrix/binary: arrives as Buffers at both ends",
      ),
      yes("Blobs and Files", "packages/client/test/blobs: events with Blobs"),
      yes("attachments out of place", "test/security/packets: placeholders (S5, 6)"),
      yes("10 attachments", "packages/codec/test/text-codec: limits"),
      yes("plain JSON", "test/interop/matrix/events: carry every kind of JSON both ways"),
      different(
        "arguments that are not JSON",
        "arguments that are not JSON (a BigInt, a cycle)",
        "test/interop/differences: a BigInt",
      ),
      yes("a custom parser", "test/parity/options: parser", "test/parity/client: parser"),
    ],
  },
  {
    title: "1.23 Connection state recovery",
    claims: [
      yes(
        "`id`, rooms, `data`, missed events; `recovered` on both sides",
        "test/interop/matrix/recovery: brings back id, rooms, data and what was missed",
      ),
      yes("`pid`", "test/interop/wire/server: offers the secret of recovery when that is on"),
      yes(
        "`pid` and `offset` in CONNECT",
        "packages/client/test/socket: offers the private id and the position of the last event, and believes the server",
      ),
      yes(
        "middlewares are skipped",
        "test/interop/matrix/recovery: skips the middleware by default, not the connection handler",
      ),
      yes("not after a goodbye", "test/interop/matrix/recovery: does not happen after a goodbye"),
      different(
        "the offset behind the arguments",
        "the offset behind the arguments of an event",
        "test/interop/differences: recovery on a Sockeye server shows its offset to handlers",
      ),
      different(
        "a client that got no event",
        "the client got no event before the connection broke",
        "test/interop/differences: of a client that got no event yet",
      ),
      different(
        "before the server has noticed the loss",
        "the client is back before the server noticed that the old connection is dead",
        "test/interop/differences: before the server has noticed the loss",
      ),
      yes(
        "what is volatile or acknowledged is not kept",
        "packages/adapter/test/recovery-adapter: does not count volatile events, nor those that want an acknowledgement",
      ),
      yes(
        "with Redis Streams: `@socket.io/redis-streams-adapter`",
        "test/interop/packages/redis-streams: on the same node",
        "test/interop/packages/redis-streams: on another node, the first having gone away",
      ),
      no("with MongoDB", "not tried: no package registry that the tests may use has a MongoDB server"),
    ],
  },
  {
    title: "1.24 `retries` and `ackTimeout`",
    claims: [
      yes(
        "one event at a time, n + 1 tries",
        "test/interop/matrix/retries: send again until it is acknowledged, one after the other",
        "test/parity/client: retries",
      ),
      yes(
        "the head is sent again after a reconnection",
        "test/interop/matrix/retries: carry on with the first after a reconnection",
      ),
      yes("volatile events are left out", "test/interop/matrix/retries: leave volatile messages out"),
      different(
        "`retries` without `ackTimeout`",
        "`retries` without `ackTimeout`",
        "test/interop/differences: retries without ackTimeout: what the callback gets, and how often it is sent",
      ),
      yes("`ackTimeout` alone", "test/interop/matrix/retries: are not needed for ackTimeout"),
      different(
        "flags of an event that waits",
        "`socket.volatile`, `socket.timeout(ms)`, `socket.compress(b)`",
        "packages/client/test/retry-queue: keep the flags of each event",
      ),
    ],
  },
  {
    title: "1.25 Flags",
    claims: [
      yes(
        "`volatile` on the server",
        "packages/server/test/socket: drops what is volatile while the connection is not ready, and nothing else",
      ),
      yes(
        "`volatile` of a broadcast",
        "packages/server/test/broadcast: volatile drops for receivers that are not ready, and only for them",
      ),
      yes(
        "`volatile` on the client",
        "packages/client/test/socket: that are volatile are dropped if they cannot leave",
      ),
      yes(
        "`compress(false)`",
        "packages/transport/test/server/polling: not if no packet of the batch wants it",
        "packages/client/test/socket: are asked to travel uncompressed",
        "packages/server/test/socket: passes on whether to compress, for that emit alone",
      ),
      yes("`timeout()` on a socket", "test/parity/socket: timeout()"),
      yes("`timeout()` of a broadcast", "test/parity/broadcast: io.timeout()"),
      yes("`timeout()` on the client", "test/parity/client: timeout()"),
      yes("`local`", "test/parity/broadcast: io.local"),
      yes("`broadcast`", "test/parity/socket: broadcast"),
    ],
  },
  {
    title: "1.26 Between servers",
    claims: [
      yes(
        "`serverSideEmit()` hands the event to the adapter",
        "test/parity/server: serverSideEmit(), serverSideEmitWithAck()",
      ),
      different(
        "`serverSideEmit()` on one server",
        "`serverSideEmit` with a callback on one server",
        "test/interop/differences: serverSideEmit with a callback, on one server",
      ),
      yes(
        "`serverSideEmit()`, `fetchSockets()`, `socketsJoin()`, `socketsLeave()`, `disconnectSockets()` across nodes, by an adapter of our own",
        "test/interop/packages/redis: fetchSockets, and acting on a socket of the other node",
      ),
      yes(
        "sockets of other nodes are acted on through the adapter",
        "packages/server/test/broadcast: an adapter that knows sockets of other nodes gives RemoteSockets for them",
      ),
    ],
  },
  {
    title: "1.27 Middlewares",
    claims: [
      yes("`io.engine.use()`", "test/parity/handshake: runs for every request and upgrade"),
      yes(
        "`namespace.use()`: in order, `connected` is false",
        "test/parity/server: use()",
        "test/interop/matrix/middleware: runs in order, before the connection",
      ),
      yes(
        "`namespace.use()`: `message` and `data`",
        "test/interop/matrix/middleware: refuses with message and data, once, without another try",
      ),
      yes(
        "`socket.use()`",
        "test/parity/socket: use()",
        "test/interop/matrix/middleware: sees and may change each event before its handler",
      ),
      yes("`allowRequest`", "test/parity/options: allowRequest"),
      different(
        "async functions, throwing functions",
        "a middleware throws, or an async one rejects",
        "packages/server/test/middleware: runMiddlewares",
      ),
    ],
  },
  {
    title: "1.28 Clients of Socket.IO 2",
    claims: [
      yes(
        "the old payloads",
        "test/interop/wire/revision-3: counts characters in text bodies, both ways",
        "test/interop/wire/revision-3: sends and takes bodies of bytes otherwise",
      ),
      yes(
        "bytes as base64",
        "test/interop/wire/revision-3: sends bytes as base64 to a client that asked for it",
      ),
      yes(
        "the main namespace without asking",
        "test/interop/matrix/version-2: is in the main namespace without having asked",
      ),
      yes(
        "auth in the query",
        "test/interop/matrix/version-2: says who it is to a namespace in a query, which the server sees as auth",
      ),
      yes(
        "refusals as text",
        "test/interop/wire/revision-3: takes a query in CONNECT, and refuses with text",
      ),
      yes(
        "pings of the client",
        "test/interop/matrix/version-2: sends pings, which the server answers, and lives on them",
      ),
    ],
  },
  {
    title: "1.29 Browser bundles",
    claims: [
      yes("`socket.io.js`", "test/parity/options: the files for browsers"),
      yes("`socket.io.min.js`", "test/parity/options: the files for browsers"),
      yes(
        "`socket.io.esm.min.js`",
        "test/parity/options: the files for browsers",
        "packages/server/test/client-files: /socket.io/socket.io.esm.min.js",
      ),
      different(
        "source maps of these files",
        "source maps of the files for browsers",
        "test/parity/options: source maps of the files for browsers",
      ),
      yes(
        "`socket.io.msgpack.min.js`",
        "test/parity/options: the files for browsers",
        "packages/client/test/browser-msgpack: is understood by npm's parser, over websocket",
      ),
      yes(
        "ETag, 304, `cache-control`",
        "packages/server/test/client-files: says 304 to who has it",
        "packages/server/test/client-files: gives the file, with its kind, its tag and no guessing",
      ),
      yes(
        "compressed: brotli, gzip, deflate",
        "test/parity/options: the files for browsers, compressed",
        'packages/server/test/client-files: compresses if asked to: Accept-Encoding "gzip, deflate, br"',
      ),
      yes("CORS headers", "packages/server/test/client-files: tells other origins what the cors option says"),
      no("a CDN", "nothing is published yet"),
    ],
  },
  {
    title: "1.30 WebTransport",
    claims: [
      yes(
        "sessions over WebTransport",
        "packages/transport/test/conformance/webtransport: webtransport as a Transport",
        "packages/transport/test/client/webtransport: WebTransport to the server of npm's engine.io",
        "test/interop/webtransport: is what a session on polling changes to, before WebSocket",
      ),
      different(
        "WebTransport where middlewares are registered",
        "WebTransport sessions where middlewares or `cors` are set",
        "packages/transport/test/server/webtransport: shows middlewares and allowRequest what is known of the request",
      ),
      different(
        "WebTransport by name, at the client",
        "WebTransport",
        "packages/client/test/manager: knows WebTransport by its class only",
      ),
    ],
  },
  {
    title: "1.31 Types",
    claims: [
      yes(
        "event maps: handlers, `emit`",
        "packages/server/test/types: handlers",
        "packages/server/test/types: emit",
        "packages/client/test/types: handlers",
        "packages/client/test/types: emit",
      ),
      yes(
        "`timeout()` puts an error first",
        "packages/server/test/types: timeout",
        "packages/client/test/types: timeout puts an error first",
      ),
      yes(
        "a broadcast takes lists",
        "packages/server/test/types: broadcasts",
        "packages/socket/test/events: a broadcast collects the answers of all receivers",
      ),
      yes(
        "`emitWithAck()` takes its type from the acknowledgement",
        "packages/server/test/types: emitWithAck",
        "packages/client/test/types: emitWithAck",
      ),
      yes("events between servers", "packages/server/test/types: between servers"),
      yes("`data`", "packages/server/test/types: sockets of other nodes"),
      yes(
        "the four parameters reach namespaces, sockets, operators, `fetchSockets()`",
        "packages/server/test/types: the four parameters reach everything that a server hands out",
      ),
      yes(
        "parameters that are left out",
        "packages/server/test/types: parameters that are left out",
        "packages/client/test/types: parameters that are left out",
      ),
      yes(
        "`RemoteSocket`, `DefaultEventsMap`, `DisconnectReason`, `ExtendedError`",
        "packages/server/test/types: sockets of other nodes",
        "packages/server/test/types: reserved events",
      ),
      yes(
        "reserved events",
        "packages/server/test/types: reserved events",
        "packages/client/test/types: reserved events",
      ),
      noted(
        "every public name",
        "but `attachApp`",
        "packages/server/test/types: have what Socket.IO's have",
        "packages/client/test/types: have what Socket.IO's have",
      ),
      yes(
        "an app in TypeScript compiles and runs with other imports",
        "test/interop/typed-app: a typed app on sockeye > compiles",
        "test/interop/typed-app: a typed app on sockeye > runs",
      ),
      yes(
        "without a declaration everything goes",
        "packages/server/test/types: without a declaration everything goes",
      ),
      different(
        "types that differ",
        "what `socket.volatile`, `timeout()`, `compress()` return",
        "packages/client/test/types: have what Socket.IO's have",
      ),
    ],
  },
];
