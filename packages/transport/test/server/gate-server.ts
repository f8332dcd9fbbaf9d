import { createServer, type IncomingMessage, type ServerOptions, type ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { type ManualClock, manualClock } from "@sockeye/conformance";
import {
  type Claim,
  type CloseReason,
  DEFAULT_LIMITS,
  EncodedPacket,
  type Frame,
  type PipeEnd,
  type Transport,
  type TransportSink,
} from "@sockeye/protocol";
import {
  type AttachOptions,
  attach,
  createGate,
  type Gate,
  type GateOptions,
  type GateSink,
  type HandshakeRequest,
  type Located,
  type RefusedRequest,
  type ResponseHeaders,
} from "@sockeye/transport/server";
import { Server as EngineServer } from "engine.io";
import { afterEach } from "vitest";

/** A session that greets, and keeps what it is told. */
export class FakeSession implements TransportSink {
  readonly protocol: 3 | 4;
  upgradable = true;
  counted = false;
  suspended = false;
  /** How many of the endings were told as losses. */
  losses = 0;
  candidate: Transport | undefined;
  readonly frames: Frame[] = [];
  readonly endings: { reason: CloseReason; cause: Error | undefined }[] = [];

  constructor(
    public transport: Transport,
    readonly handshake: HandshakeRequest,
    readonly onFrame: (session: FakeSession, frame: Frame) => void,
  ) {
    this.protocol = handshake.protocol;
  }
  frame(_from: Transport, frame: Frame): void {
    this.frames.push(frame);
    this.onFrame(this, frame);
  }
  writable(): void {}
  ended(from: Transport, how: PipeEnd, reason: CloseReason, cause?: Error): void {
    if (how === "lost") this.losses++;
    if (from === this.transport) this.endings.push({ reason, cause });
    else this.candidate = undefined;
  }
  send(...texts: string[]): void {
    this.transport.send(texts.map((text) => new EncodedPacket(text)));
  }
}

export class FakeAcceptor implements GateSink {
  // Nothing is counted, and nobody leaves or comes back.
  readonly exceeds = (): undefined => undefined;
  readonly reserve = (): undefined => undefined;
  readonly addressOf = (): undefined => undefined;
  readonly exceeded = (): void => {};
  readonly leave = (): void => {};
  readonly sessions = new Map<string, FakeSession>();
  readonly refusals: RefusedRequest[] = [];
  newId: (req: IncomingMessage) => string | Promise<string> = () => `sid-${++this.#count}`;
  readonly claims: Claim[] = [];
  /** Is a claim good? */
  agrees: (claim: Claim) => boolean = () => true;
  onHeaders: (headers: ResponseHeaders, initial: boolean) => void = () => {};
  onFrame: (session: FakeSession, frame: Frame) => void = () => {};
  #count = 0;

  declare forward?: NonNullable<GateSink["forward"]>;
  locate: (sid: string) => Located | Promise<Located> = (sid) => this.find(sid);
  find(sid: string): FakeSession | undefined {
    const session = this.sessions.get(sid);
    return session === undefined || session.endings.length > 0 ? undefined : session;
  }
  open(sid: string, transport: Transport, handshake: HandshakeRequest): void {
    const session = new FakeSession(transport, handshake, (...args) => this.onFrame(...args));
    session.counted = handshake.counts;
    this.sessions.set(sid, session);
    transport.bind(session);
    session.send(`0{"sid":"${sid}"}`);
  }
  upgrade(sid: string, transport: Transport): void {
    const session = this.session(sid);
    session.candidate = transport;
    transport.bind(session);
  }
  resume(claim: Claim, transport: Transport): boolean {
    this.claims.push(claim);
    const session = this.find(claim.sid);
    if (!session || !this.agrees(claim)) return false;
    session.transport.close("dead");
    session.transport = transport;
    session.suspended = false;
    transport.bind(session);
    if (transport.writable) session.send(`0{"sid":"${claim.sid}","again":true}`);
    return true;
  }
  readonly failures: unknown[] = [];

  reportError(error: unknown): void {
    this.failures.push(error);
  }

  refused(refused: RefusedRequest): void {
    this.refusals.push(refused);
  }
  headers(headers: ResponseHeaders, _req: IncomingMessage, initial: boolean): void {
    this.onHeaders(headers, initial);
  }
  session(sid: string): FakeSession {
    const session = this.sessions.get(sid);
    if (session === undefined) throw new Error(`no session ${sid}`);
    return session;
  }
}

export interface GateServer {
  readonly port: number;
  readonly acceptor: FakeAcceptor;
  readonly gate: Gate;
  readonly clock: ManualClock;
  /** Requests for the engine that have no answer yet. */
  readonly unanswered: ReadonlySet<ServerResponse>;
  /** Open TCP connections. */
  readonly connections: ReadonlySet<Socket>;
}

/** A gate behind a real HTTP server, with `/engine.io/` as its path. Ends with the test. */
export async function gateServer(
  options: Partial<GateOptions> = {},
  http: ServerOptions = {},
  attached: Partial<AttachOptions> = {},
): Promise<GateServer> {
  const acceptor = new FakeAcceptor();
  const clock = manualClock();
  const gate = createGate({ clock, limits: DEFAULT_LIMITS, ...options }, acceptor);
  const server = createServer(http, (_req, res) => res.writeHead(404).end("not found"));
  attach(server, {
    path: "/engine.io/",
    onRequest: (req, res) => gate.handleRequest(req, res),
    onUpgrade: (req, socket, head) => gate.handleUpgrade(req, socket, head),
    ...attached,
  });
  const unanswered = new Set<ServerResponse>();
  server.prependListener("request", (_req, res) => {
    unanswered.add(res);
    res.once("close", () => unanswered.delete(res));
  });
  const connections = new Set<Socket>();
  server.on("connection", (socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  return { port: await listen(server), acceptor, gate, clock, unanswered, connections };
}

export interface StockServer {
  readonly port: number;
  readonly engine: EngineServer;
  readonly refusals: RefusedRequest[];
}

/** The same with the npm package. */
export async function stockServer(options: object = {}, http: ServerOptions = {}): Promise<StockServer> {
  const server = createServer(http, (_req, res) => res.writeHead(404).end("not found"));
  const engine = new EngineServer(options);
  const refusals: RefusedRequest[] = [];
  engine.on("connection_error", (refused: RefusedRequest) => refusals.push(refused));
  engine.attach(server, { path: "/engine.io/" });
  return { port: await listen(server), engine, refusals };
}

const open = new Set<ReturnType<typeof createServer>>();
/** Also those that were upgraded, which `closeAllConnections` knows nothing of. */
const sockets = new Set<Socket>();

export async function listen(server: ReturnType<typeof createServer>): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.add(server);
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  return (server.address() as AddressInfo).port;
}

afterEach(async () => {
  for (const server of open) {
    const closed = new Promise((resolve) => server.close(resolve));
    server.closeAllConnections();
    for (const socket of sockets) socket.destroy();
    await closed;
  }
  open.clear();
});
