import type { IncomingMessage } from "node:http";
import type { Clock, Limits } from "@sockeye/protocol";
import { SessionError } from "@sockeye/protocol";
import type { Place } from "@sockeye/transport/server";

/**
 * Where a client is, for the limits per address: an address, or any other name of a group. `undefined`: it is not counted.
 * Headers come from the client; only what a proxy of yours has written there is to be trusted.
 */
export type ClientAddress = (req: IncomingMessage) => string | undefined;

/** What is counted, and by which bounds. */
export interface AddressTerms {
  readonly clock: Clock;
  readonly limits: Pick<Limits, "maxSessionsPerAddress" | "maxHandshakesPerSecondPerAddress">;
  /** Must not throw. */
  readonly addressOf: ClientAddress;
}

/** Counts the sessions and handshakes of each address. The addresses may be the peers' own words: keys of maps only. */
export class Addresses {
  readonly #terms: AddressTerms;
  /** Sessions, and handshakes about which the app is still asked. */
  readonly #sessions = new Map<string, number>();
  readonly #known = new WeakMap<IncomingMessage, { readonly address: string | undefined }>();
  /** Handshakes within one second, which began then. */
  readonly #handshakes = new Map<string, number>();
  #second = Number.NEGATIVE_INFINITY;

  constructor(terms: AddressTerms) {
    this.#terms = terms;
  }

  /** Counts a handshake. @returns why it is refused, if it is */
  handshake(req: IncomingMessage): SessionError | undefined {
    const { limits } = this.#terms;
    const address = this.of(req);
    if (address === undefined) return undefined;
    const tooOften = this.#came(address);
    if (tooOften) return tooOften;
    if ((this.#sessions.get(address) ?? 0) >= limits.maxSessionsPerAddress) {
      return new SessionError("ERR_TOO_MANY_SESSIONS", "too many sessions of this address");
    }
    return undefined;
  }

  /** Counts a request that claims a session, as a handshake; there is no session more by it. */
  claim(req: IncomingMessage): SessionError | undefined {
    const address = this.of(req);
    return address === undefined ? undefined : this.#came(address);
  }

  /** A handshake that {@link handshake} has let pass takes its place, until that is given back. In the same turn. */
  reserve(req: IncomingMessage): Place | undefined {
    const address = this.of(req);
    if (address === undefined) return undefined;
    this.#sessions.set(address, (this.#sessions.get(address) ?? 0) + 1);
    let taken = true;
    return {
      free: () => {
        if (taken) this.#leave(address);
        taken = false;
      },
    };
  }

  /** Where it comes from. The app is asked once about a request. */
  of(req: IncomingMessage): string | undefined {
    const known = this.#known.get(req);
    if (known !== undefined) return known.address;
    const address = this.#terms.addressOf(req);
    this.#known.set(req, { address });
    return address;
  }

  #leave(address: string): void {
    const count = (this.#sessions.get(address) ?? 0) - 1;
    if (count > 0) this.#sessions.set(address, count);
    else this.#sessions.delete(address);
  }

  #came(address: string): SessionError | undefined {
    const { clock, limits } = this.#terms;
    const now = clock.now();
    if (now - this.#second >= 1000) {
      this.#second = now;
      this.#handshakes.clear();
    }
    const count = (this.#handshakes.get(address) ?? 0) + 1;
    this.#handshakes.set(address, count);
    if (count <= limits.maxHandshakesPerSecondPerAddress) return undefined;
    return new SessionError("ERR_TOO_MANY_HANDSHAKES", "too many handshakes from this address");
  }
}
