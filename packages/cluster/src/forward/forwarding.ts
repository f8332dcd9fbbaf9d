import type { Cluster } from "../cluster.js";
import type { Member } from "../membership.js";
import {
  type ForwardableRequest,
  type ForwardableUpgrade,
  Forwarder,
  type ForwardTerms,
} from "./forwarder.js";
import { type ForwardTarget, InternalListener, type ListenOptions } from "./internal-listener.js";
import { forwardKey, Verifier } from "./signature.js";

const TAG_LENGTH = 4;

export interface ForwardingTerms {
  readonly cluster: Cluster;
  /** What this node announces. */
  readonly key: string;
  readonly secret: string | undefined;
  readonly target: ForwardTarget;
}

/** Requests of sessions that another node has: finds the owner by the tag of the id, and passes them on; takes those that others pass on. */
export class Forwarding {
  readonly #cluster: Cluster;
  readonly #forwarder: Forwarder;
  readonly #listener: InternalListener;

  constructor({ cluster, key, secret, target }: ForwardingTerms) {
    this.#cluster = cluster;
    this.#forwarder = new Forwarder(cluster.id, secret);
    const isMember = (id: string): boolean => cluster.members.get(id) !== undefined;
    this.#listener = new InternalListener(new Verifier(forwardKey(key, secret), isMember), target);
  }

  /** @returns the address of the internal listener */
  listen(options: ListenOptions): Promise<string> {
    return this.#listener.listen(options);
  }

  /** The other node that a session's id names, if it is live and can be reached. @returns its id */
  ownerOf(sid: string): string | undefined {
    const owner = this.memberOf(sid);
    return owner?.address === undefined ? undefined : owner.id;
  }

  /** The same, whether it can be reached or not. */
  memberOf(sid: string): Member | undefined {
    return this.#cluster.members.byTag(sid.slice(-TAG_LENGTH));
  }

  request(visit: ForwardableRequest, owner: string, terms: ForwardTerms): void {
    const member = this.#live(owner);
    if (member) this.#forwarder.request(visit, member, terms);
    else terms.failed(true);
  }

  upgrade(visit: ForwardableUpgrade, owner: string, terms: ForwardTerms): void {
    const member = this.#live(owner);
    if (member) this.#forwarder.upgrade(visit, member, terms);
    else terms.failed(true);
  }

  /** Passes nothing on any more. */
  stop(): void {
    this.#forwarder.close();
  }

  /** Takes nothing any more. The sessions to which it leads have ended before: until then their clients can be told. */
  async close(): Promise<void> {
    this.stop();
    await this.#listener.close();
  }

  #live(id: string): Member | undefined {
    const member = this.#cluster.members.get(id);
    return member?.state === "up" || member?.state === "draining" ? member : undefined;
  }
}
