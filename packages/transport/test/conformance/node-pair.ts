import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { MakePair, Side } from "@sockeye/conformance";
import { type Clock, DEFAULT_LIMITS, EncodedPacket, type Frame, type Transport } from "@sockeye/protocol";
import type { Target, TransportClass } from "@sockeye/transport/client";
import { attach, createGate, type GateOptions, type GateSink } from "@sockeye/transport/server";
import { target } from "../client/target-of.js";

const SID = "the-session";
const OPEN = `0{"sid":"${SID}"}`;
const GREETING = new EncodedPacket(OPEN);

export interface NodePairOptions {
  readonly gate?: Partial<GateOptions>;
  readonly target?: Partial<Target>;
}

/** A dialling end and an accepting end with an HTTP server between them, handshake done. */
export function nodePair(Class: TransportClass, options: NodePairOptions = {}): MakePair {
  return async (server, client) => {
    const acceptor = new OneSession(server);
    const gate = createGate({ clock, limits: DEFAULT_LIMITS, ...options.gate }, acceptor);
    const http = createServer();
    attach(http, {
      path: "/engine.io/",
      onRequest: (req, res) => gate.handleRequest(req, res),
      onUpgrade: (req, socket, head) => gate.handleUpgrade(req, socket, head),
    });
    await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
    const dialled = target({
      url: `http://127.0.0.1:${(http.address() as AddressInfo).port}/engine.io/`,
      maxPayload: DEFAULT_LIMITS.maxMessageBytes,
      ...options.target,
    });
    const dialling = new Class(dialled);
    await handshake(dialling, dialled, client);
    if (acceptor.transport === undefined) throw new Error("no session was opened");
    return {
      server: acceptor.transport,
      client: dialling,
      close: async () => {
        gate.close();
        const closed = new Promise((resolve) => http.close(resolve));
        http.closeAllConnections();
        await closed;
      },
    };
  };
}

/** Behind the gate: the one session, which greets and then leaves all to the side. */
export class OneSession implements GateSink {
  // Nothing is counted, and nobody leaves or comes back.
  readonly exceeds = (): undefined => undefined;
  readonly reserve = (): undefined => undefined;
  readonly addressOf = (): undefined => undefined;
  readonly exceeded = (): void => {};
  readonly leave = (): void => {};
  readonly resume = (): boolean => false;
  transport: Transport | undefined;
  readonly #side: Side;

  constructor(side: Side) {
    this.#side = side;
  }
  locate(sid: string): ReturnType<GateSink["find"]> {
    return this.find(sid);
  }

  find(sid: string): ReturnType<GateSink["find"]> {
    if (sid !== SID || this.transport === undefined) return undefined;
    return { transport: this.transport, upgradable: false, protocol: 4 };
  }
  newId(): string {
    return SID;
  }
  open(_sid: string, transport: Transport): void {
    this.transport = transport;
    transport.bind(this.#side);
    transport.send([GREETING]);
  }
  upgrade(): void {}
  readonly failures: unknown[] = [];

  reportError(error: unknown): void {
    this.failures.push(error);
  }

  refused(): void {}
  headers(): void {}
}

/** Resolves once the dialling end has got the greeting and is writable; the side hears of nothing before. */
export function handshake(transport: Transport, dialled: Target, side: Side): Promise<void> {
  return new Promise((resolve, reject) => {
    const done = (): void => {
      if (dialled.sid === undefined || !transport.writable) return;
      transport.bind(side);
      resolve();
    };
    transport.bind({
      frame: (_from: Transport, frame: Frame) => {
        if (frame === OPEN) dialled.sid = SID;
        done();
      },
      writable: done,
      ended: (_from, _how, reason, cause) => reject(new Error(reason, { cause })),
    });
  });
}

export const clock: Clock = {
  now: () => performance.now(),
  wall: () => Date.now(),
  setTimer: (callback, delayMs) => setTimeout(callback, delayMs).unref(),
  clearTimer: (timer) => clearTimeout(timer as NodeJS.Timeout),
  defer: (callback) => void setImmediate(callback),
};
