import type { AddedHost, AddedTo, ContractEnd, ExtensionHost, SocketAdditions } from "./contract-end.js";
import type { Emit } from "./emission.js";

type Event = readonly unknown[];

/**
 * What a contract and extensions add to a socket: checks of what comes in, and events that the app does not see. Whatever is added brings this
 * class with it, so that a client to which nothing is added does not have it.
 */
export class Additions implements SocketAdditions {
  readonly #peer: AddedTo;
  readonly #host: AddedHost;
  readonly #contract: ContractEnd | undefined;
  readonly #report: (error: unknown) => void;
  readonly #intake: (event: Event) => unknown;
  readonly #own = new Map<unknown, ((...args: Event) => void)[]>();

  constructor(
    peer: AddedTo,
    host: AddedHost,
    contract: ContractEnd | undefined,
    report: (error: unknown) => void,
  ) {
    this.#peer = peer;
    this.#host = host;
    this.#contract = contract;
    this.#report = report;
    const show = (event: Event): boolean => peer.deliver(event);
    this.#intake =
      contract?.intake({
        deliver: (event) => !peer.connected || show(event),
        refused: (error, { answered }) => answered || report(error),
        hold: () => () => {},
      }) ?? show;
  }

  outgoing({ event, args }: Emit): void {
    this.#contract?.outgoing([event, ...args], this.#report);
  }

  tell(event: "connect" | "disconnect"): void {
    for (const listener of this.#own.get(event) ?? []) listener();
  }

  take(event: Event): void {
    const own = this.#own.get(event[0]);
    if (own) for (const listener of own) listener(...event.slice(1));
    else this.#intake(event);
  }

  install(extension: { install(host: ExtensionHost): object }): object {
    const peer = this.#peer;
    const host = this.#host;
    const own: ExtensionHost = {
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
      reportError: this.#report,
      onlyHandler: (event, listener, options) => peer.onlyHandler(event, listener, options),
      sendNow: (emit) => peer.sendNow(emit),
      onOwn: (event, listener) => void this.#own.set(event, [...(this.#own.get(event) ?? []), listener]),
    };
    return extension.install(own);
  }
}
