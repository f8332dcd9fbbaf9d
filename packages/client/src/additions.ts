import { HANDLE, SHOW_INCOMING } from "@sockeye/protocol";
import type { ContractEnd, Emit, EmitTarget, Extension } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import type { TypedSocketOptions } from "./options.js";
import type { PeerHandle, SocketHost } from "./peer-host.js";
import { reportAppError } from "./report-error.js";

type Event = readonly unknown[];

/** A peer, as what is added to it sees it. */
export interface AddedTo extends EmitTarget {
  readonly handle: PeerHandle;
  readonly connected: boolean;
  sendNow(emit: Emit): void;
}

/** What a contract and extensions add to a socket: checks of what comes in, and events that the app does not see. */
export class Additions {
  readonly #peer: AddedTo;
  readonly #host: SocketHost;
  readonly #contract: ContractEnd | undefined;
  readonly #intake: (event: Event) => unknown;
  readonly #own = new Map<unknown, ((...args: Event) => void)[]>();

  constructor(peer: AddedTo, host: SocketHost, { contract }: TypedSocketOptions) {
    this.#peer = peer;
    this.#host = host;
    this.#contract = contract?.client;
    const show = (event: Event): boolean => deliver(peer.handle, event);
    this.#intake =
      this.#contract?.intake({
        deliver: (event) => !peer.connected || show(event),
        refused: (error, { answered }) => answered || reportAppError(error),
        hold: () => () => {},
      }) ?? show;
  }

  /** @throws ContractError for what does not keep to the contract, in development */
  outgoing({ event, args }: Emit): void {
    this.#contract?.outgoing([event, ...args], reportAppError);
  }

  /** Whatever an extension wants to know, before the app hears of it. */
  tell(event: "connect" | "disconnect"): void {
    for (const listener of this.#own.get(event) ?? []) listener();
  }

  /** An event has come in. */
  take(event: Event): void {
    const own = this.#own.get(event[0]);
    if (own) for (const listener of own) listener(...event.slice(1));
    else this.#intake(event);
  }

  /** @returns the methods for the socket */
  install(extension: Extension): object {
    const peer = this.#peer;
    const host = this.#host;
    return extension.install({
      socket: peer.handle,
      contract: this.#contract,
      clock: host.clock,
      get connected() {
        return peer.connected;
      },
      get knowsOwnEvents() {
        return host.peerIsOurs;
      },
      emitOut: (emit) => peer.emitOut(emit),
      reportError: reportAppError,
      onlyHandler: (event, listener, options) => peer.handle[HANDLE](event, listener, options),
      sendNow: (emit) => peer.sendNow(emit),
      onOwn: (event, listener) => void this.#own.set(event, [...(this.#own.get(event) ?? []), listener]),
    });
  }
}

/** Shows an event to the app. @returns whether anybody has heard it */
function deliver(handle: PeerHandle, event: Event): boolean {
  handle[SHOW_INCOMING](event);
  return dispatch(handle, event[0] as string, event.slice(1)) || handle.listenersAny().length > 0;
}
