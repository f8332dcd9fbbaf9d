import type { Packet, ServerDisconnectReason } from "@sockeye/protocol";
import type { Handshake } from "./handshake.js";
import type { SocketConnection } from "./peer-host.js";

/** A socket, as its connection sees it. */
export interface ConnectedSocket {
  /** Does it wait for an acknowledgement, or owe one? */
  readonly busy: boolean;
  receive(packet: Packet): void;
  /** Its connection broke, and may come back; or is back. */
  setAway(away: boolean): void;
  end(reason: ServerDisconnectReason, description?: unknown): void;
  disconnect(): unknown;
}

/** A namespace, as connections see it. */
export interface Joinable {
  readonly name: string;
  /** Makes a socket, asks the middlewares, and lets it in or refuses. */
  admit(admission: Admission): void;
}

/** The connection on which a client wants to join. */
export interface AdmittingConnection extends SocketConnection {
  /** Is this the attempt that is being decided? */
  awaits(admission: Admission): boolean;
  /** An attempt is decided. What the client has asked meanwhile has its turn. */
  decided(admission: Admission): void;
  /** The app has not decided in time. */
  late(admission: Admission): void;
  joined(namespace: string, socket: ConnectedSocket): void;
  refused(namespace: string, error: unknown): void;
}

/**
 * One attempt of a client to join a namespace. There is one at a time for each namespace of a connection: what the client asks
 * meanwhile waits until this one is decided, and then takes its place.
 */
export class Admission {
  #next: Handshake["auth"] | undefined = undefined;
  #asked: string | undefined = undefined;
  #undo: (() => void) | undefined = undefined;
  #abandoned = false;

  constructor(
    readonly connection: AdmittingConnection,
    readonly namespace: string,
    readonly auth: Handshake["auth"],
  ) {}

  /** Does the client still wait for this answer? */
  get awaited(): boolean {
    return this.#next === undefined && !this.#abandoned && this.connection.awaits(this);
  }

  /** With which `auth` the client has asked again, the last time that it did. */
  get next(): Handshake["auth"] | undefined {
    return this.#next;
  }

  /** A middleware is asked. @param who in words */
  asks(who: string): void {
    this.#asked = who;
  }

  /** Who is to decide now, in words. */
  get asked(): string | undefined {
    return this.#asked;
  }

  /** The client has asked again. Only the last attempt is kept. */
  supersede(auth: Handshake["auth"]): void {
    this.#next = auth;
  }

  /** The client has left before the decision, or the app has had its time: an app that never decides is to hold nothing. */
  abandon(): void {
    if (this.#abandoned) return;
    this.#abandoned = true;
    this.#undo?.();
    this.#undo = undefined;
  }

  get abandoned(): boolean {
    return this.#abandoned;
  }

  /** @param undo lets go of what the decision holds, if it is abandoned. Replaces the one before */
  onAbandoned(undo: () => void): void {
    this.#undo = undo;
  }

  /** The time to decide is over. */
  expire(): void {
    this.connection.late(this);
  }

  /** The decision is over, whatever it was: the next attempt may begin. */
  over(): void {
    this.#undo = undefined;
    this.connection.decided(this);
  }

  letIn(socket: ConnectedSocket): void {
    this.#undo = undefined;
    this.connection.joined(this.namespace, socket);
  }

  refuse(error: unknown): void {
    this.connection.refused(this.namespace, error);
  }
}
