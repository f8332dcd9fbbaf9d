import type { Packet, ServerDisconnectReason } from "@sockeye/protocol";
import type { Handshake } from "./handshake.js";
import type { SocketConnection } from "./peer-host.js";

/** A socket, as its connection sees it. */
export interface ConnectedSocket {
  /** Does it wait for an acknowledgement, or owe one? */
  readonly busy: boolean;
  receive(packet: Packet): void;
  end(reason: ServerDisconnectReason, description?: unknown): void;
  disconnect(): unknown;
}

/** A namespace, as connections see it. */
export interface Joinable {
  readonly name: string;
  /** Makes a socket, asks the middlewares, and lets it in or refuses. */
  admit(admission: Admission): void;
}

/** The connection of a client that asks to join. */
export interface AdmittingConnection extends SocketConnection {
  /** Is this the attempt that is being decided? */
  awaits(admission: Admission): boolean;
  /** An attempt is decided. What the client has asked meanwhile has its turn. */
  decided(admission: Admission): void;
  /** A namespace has let a socket in. */
  joined(namespace: string, socket: ConnectedSocket): void;
  /** A namespace has refused, or there is none of that name. */
  refused(namespace: string, error: unknown): void;
}

/**
 * One attempt of a client to join a namespace. There is one at a time for each namespace of a connection: what the client asks
 * meanwhile waits until this one is decided, and then takes its place.
 */
export class Admission {
  #next: Handshake["auth"] | undefined = undefined;

  constructor(
    readonly connection: AdmittingConnection,
    readonly namespace: string,
    readonly auth: Handshake["auth"],
  ) {}

  /** Does the client still wait for this answer? */
  get awaited(): boolean {
    return this.#next === undefined && this.connection.awaits(this);
  }

  /** With which `auth` the client has asked again, the last time that it did. */
  get next(): Handshake["auth"] | undefined {
    return this.#next;
  }

  /** Who is to decide now, in words. */
  #asked: string | undefined = undefined;

  /** A middleware is asked. @param who in words */
  asks(who: string): void {
    this.#asked = who;
  }

  get asked(): string | undefined {
    return this.#asked;
  }

  /** The client has asked again. Only the last attempt is kept. */
  supersede(auth: Handshake["auth"]): void {
    this.#next = auth;
  }

  /** The decision is over, whatever it was: the next attempt may begin. */
  over(): void {
    this.connection.decided(this);
  }

  letIn(socket: ConnectedSocket): void {
    this.connection.joined(this.namespace, socket);
  }

  refuse(error: unknown): void {
    this.connection.refused(this.namespace, error);
  }
}
