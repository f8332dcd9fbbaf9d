import type { Cluster } from "../cluster.js";
import type { Member } from "../membership.js";
import { Forwarder } from "./forwarder.js";
import { InternalListener, type ListenOptions } from "./internal-listener.js";
import { Links } from "./link/links.js";
import { forwardKey, linkKey, Verifier } from "./signature.js";
import type { ForwardableRequest, ForwardableUpgrade, ForwardTarget, ForwardTerms } from "./terms.js";

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
  readonly #links: Links;
  readonly #listener: InternalListener;

  constructor({ cluster, key, secret, target }: ForwardingTerms) {
    this.#cluster = cluster;
    this.#forwarder = new Forwarder(cluster.id, secret);
    const isMember = (id: string): boolean => cluster.members.get(id) !== undefined;
    const { id, clock } = cluster;
    this.#links = new Links({ id, clock, secret, dead: (node) => cluster.suspect(node) });
    this.#listener = new InternalListener({
      requests: new Verifier(forwardKey(key, secret), isMember),
      links: new Verifier(linkKey(key, secret), isMember),
      isMember,
      target,
    });
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
    if (member) {
      if (!this.#links.request(visit, member, terms)) this.#forwarder.request(visit, member, terms);
    } else terms.failed(true);
  }

  upgrade(visit: ForwardableUpgrade, owner: string, terms: ForwardTerms): void {
    const member = this.#live(owner);
    if (member) this.#forwarder.upgrade(visit, member, terms);
    else terms.failed(true);
  }

  /** A node has left, or is taken to be dead. */
  gone(node: string, isDead: boolean): void {
    this.#links.gone(node, isDead);
  }

  /** Passes nothing on any more. */
  stop(): void {
    this.#links.close();
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
