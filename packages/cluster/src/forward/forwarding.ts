import type { Duplex } from "node:stream";
import type { Cluster } from "../cluster.js";
import type { Member } from "../membership.js";
import { Forwarder, type PassTerms } from "./forwarder.js";
import { InternalListener, type ListenOptions } from "./internal-listener.js";
import { BusLinks } from "./link/bus-links.js";
import { Links } from "./link/links.js";
import { forwardKey, linkKey, Verifier } from "./signature.js";
import type { ForwardableRequest, ForwardableUpgrade, ForwardTarget, ForwardTerms } from "./terms.js";

const TAG_LENGTH = 4;
/** A node that could not be reached is tried again after so long. */
const UNREACHABLE_MS = 30_000;

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
  readonly #busLinks: BusLinks;
  /** Until when what is for a node goes over the bus. */
  readonly #unreachable = new Map<string, number>();
  /** Nodes to which there was a connection. */
  readonly #reached = new Set<string>();
  readonly #listener: InternalListener;

  constructor({ cluster, key, secret, target }: ForwardingTerms) {
    this.#cluster = cluster;
    const isMember = (id: string): boolean => cluster.members.has(id);
    const { id, clock } = cluster;
    this.#forwarder = new Forwarder({ id, secret, clock });
    this.#links = new Links({ id, clock, secret, dead: (node) => cluster.suspect(node) });
    this.#listener = new InternalListener({
      requests: new Verifier(forwardKey(key, secret), isMember),
      links: new Verifier(linkKey(key, secret), isMember),
      isMember,
      target,
    });
    this.#busLinks = new BusLinks(cluster, {
      request: (req, res, facts) => target.request(req, res, facts),
      connected: (socket) => this.#listener.connected(socket),
    });
  }

  /** @returns the address of the internal listener */
  listen(options: ListenOptions): Promise<string> {
    return this.#listener.listen(options);
  }

  /** The other node that a session's id names, if it may answer. */
  ownerOf(sid: string): string | undefined {
    const owner = this.#cluster.members.ownerOf(sid.slice(-TAG_LENGTH));
    return owner !== undefined && this.#mayAnswer(owner) ? owner : undefined;
  }

  request(visit: ForwardableRequest, owner: string, terms: ForwardTerms): void {
    const member = this.#live(owner);
    if (!member) {
      terms.failed(true);
      return;
    }
    const overBus = (unanswered?: () => void): void =>
      this.#busLinks.request(visit, owner, terms, unanswered);
    if (this.#isUnreachable(member)) overBus();
    else if (!this.#links.request(visit, member, terms))
      this.#forwarder.request(visit, member, this.#orElse(owner, terms, overBus));
  }

  upgrade(visit: ForwardableUpgrade, owner: string, { facts, failed }: ForwardTerms): void {
    const member = this.#live(owner);
    if (!member) {
      failed(true);
      return;
    }
    const { socket } = visit;
    const cut = (): void => void socket.destroy();
    const run = (over: Duplex): void => {
      const terms = { facts, reached() {}, failed: cut };
      if (socket.destroyed) over.destroy();
      else this.#forwarder.upgrade(visit, member, terms, over);
    };
    const overBus = (unanswered?: () => void): void =>
      this.#busLinks.connect(owner, { run, cut, unanswered });
    // What it has begun with is no body, and so it may be answered here as well.
    const terms = { facts, failed: () => failed(true) };
    if (this.#isUnreachable(member)) overBus();
    else this.#forwarder.upgrade(visit, member, this.#orElse(owner, terms, overBus));
  }

  /** What another node says of a link over the bus. @throws ClusterError `ERR_CLUSTER_INPUT` */
  told(args: readonly unknown[], from: string): void {
    this.#busLinks.told(args, from);
  }

  /** Messages of the bus may be missing. @param node of this one; left out: of all */
  gap(node?: string): void {
    this.#busLinks.broken(node);
  }

  /** A node has left, or is taken to be dead. */
  gone(node: string, isDead: boolean): void {
    this.#unreachable.delete(node);
    this.#reached.delete(node);
    this.#links.gone(node, isDead);
    this.#busLinks.broken(node);
  }

  /** Passes nothing on any more. */
  stop(): void {
    this.#links.close();
    this.#busLinks.stop();
    this.#forwarder.close();
  }

  /** Takes nothing any more. The sessions to which it leads have ended before: until then their clients can be told. */
  async close(): Promise<void> {
    this.stop();
    await this.#listener.close();
  }

  #isUnreachable({ id, address }: Member): boolean {
    return address === undefined || (this.#unreachable.get(id) ?? 0) > this.#cluster.clock.now();
  }

  /**
   * What follows if there is no connection. A node that was reached before, and where nobody listens any more, is dead. Else there is the bus; a
   * node that refuses connections and does not answer there either is dead as well.
   */
  #orElse(owner: string, terms: ForwardTerms, overBus: (unanswered?: () => void) => void): PassTerms {
    const dead = (): void => {
      this.#cluster.suspect(owner);
      terms.failed(true);
    };
    return {
      facts: terms.facts,
      reached: () => void this.#reached.add(owner),
      failed: (why) => {
        if (why === "begun" || !this.#mayAnswer(owner)) terms.failed(why !== "begun");
        else if (why === "refused" && this.#reached.has(owner)) dead();
        else {
          this.#unreachable.set(owner, this.#cluster.clock.now() + UNREACHABLE_MS);
          overBus(why === "refused" ? dead : undefined);
        }
      },
    };
  }

  #live(id: string): Member | undefined {
    return this.#mayAnswer(id) ? this.#cluster.members.get(id) : undefined;
  }

  #mayAnswer(id: string): boolean {
    const { members, isUp, hearing, clock } = this.#cluster;
    return members.mayAnswer(id, isUp ? hearing.hearsSince : undefined, clock.now());
  }
}
