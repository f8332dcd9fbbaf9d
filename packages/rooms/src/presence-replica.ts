import type { Clock, SharedRoom, Timer } from "@sockeye/protocol";
import type { PresenceList } from "./presence-list.js";
import {
  type Entry,
  type Head,
  type Mark,
  noPresence,
  readSaid,
  type Said,
  writeSaid,
} from "./presence-wire.js";

/** Of encoded values, in one message. */
const PIECE_BYTES = 65_536;
/** What others have is waited for no longer. */
const PATIENCE_MS = 2_000;
/** A node that was asked and says nothing is asked again. */
const AGAIN_MS = 5_000;
/** Sockets of other nodes, in one room. */
const MAX_OTHERS = 100_000;

export interface ReplicaHost {
  readonly clock: Clock;
  /** @throws what makes it impossible */
  encode(value: unknown): Head;
  /** @throws what makes no sense of it */
  decode(head: Head): { readonly value: unknown; readonly bytes: number };
  /** Something of the list has changed. */
  changed(): void;
  failed(error: unknown): void;
}

/** What is known of another node's list. */
interface Peer {
  readonly life: number;
  /** All up to this version. */
  known: number;
  /** Changes have come without a hole from the one version to the other. */
  from: number;
  to: number;
  /** By socket, its last version; as long as something is missing, also of sockets that are gone: those that are `removed`. */
  readonly versions: Map<string, number>;
  readonly removed: Set<string>;
  /** The list is read page by page. */
  reading: { readonly start: number; next: number; readonly seen: Set<string> } | undefined;
  /** `moved`: something has come since it was looked at last. */
  isAsked: boolean;
  hasMoved: boolean;
}

/**
 * Who is in one room, over all nodes: each writes the entries of its own sockets, under versions that grow by one with each message. What others
 * write is taken by its version, in whatever order it comes; what is missing is asked for.
 */
export class PresenceReplica {
  readonly #list: PresenceList;
  readonly #shared: SharedRoom;
  readonly #host: ReplicaHost;
  /** Own sockets that were told of, in the order of their versions. */
  readonly #own = new Map<string, number>();
  readonly #changed = new Set<string>();
  #version = 0;
  readonly #peers = new Map<string, Peer>();
  #others = 0;
  /** The nodes from which something may be missing; `undefined` stands for all of them. */
  readonly #unsure = new Set<string | undefined>();
  #hasAsked = false;
  /** All nodes that were asked have answered. */
  #hasHeard = false;
  #isReady = false;
  readonly #ready: Promise<void>;
  #settle: () => void = () => {};
  readonly #patience: Timer;
  #again: Timer | undefined;
  #isClosed = false;

  constructor(list: PresenceList, shared: SharedRoom, host: ReplicaHost) {
    this.#list = list;
    this.#shared = shared;
    this.#host = host;
    list.writer = { node: shared.node, now: () => host.clock.wall() };
    this.#ready = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.#patience = host.clock.setTimer(() => this.#nowReady(), PATIENCE_MS);
  }

  /** Settles once all is known that others have, or after 2 s; nothing if it is. */
  ready(): Promise<void> | undefined {
    return this.#isReady ? undefined : this.#ready;
  }

  /** What a socket of this node shows is another thing now. */
  touch(socket: string): void {
    this.#changed.add(socket);
  }

  /** Tells the others what has changed. */
  flush(): void {
    let entries: Entry[] = [];
    let bytes = 0;
    const say = (): void => {
      if (entries.length > 0) this.#say({ kind: "change", ...this.#mark(), entries });
      entries = [];
      bytes = 0;
    };
    for (const socket of this.#changed) {
      const isKnown = this.#own.delete(socket);
      const tab = this.#tabOf(socket);
      if (tab === undefined && !isKnown) continue;
      if (entries.length === 0) this.#version += 1;
      if (tab) this.#own.set(socket, this.#version);
      entries.push({ socket, version: this.#version, tab });
      bytes += weightOf(socket, tab);
      if (bytes >= PIECE_BYTES) say();
    }
    this.#changed.clear();
    say();
  }

  close(): void {
    this.#isClosed = true;
    this.#host.clock.clearTimer(this.#again);
    this.#nowReady();
    if (this.#own.size === 0) return;
    this.#version += 1;
    this.#say({ kind: "page", ...this.#mark(), after: 0, entries: [], isLast: true });
  }

  // ---- from the others

  /** @throws ClusterError `ERR_CLUSTER_INPUT` */
  said(from: string, value: readonly unknown[]): void {
    const said = readSaid(value);
    switch (said.kind) {
      case "sync":
        this.#compare(from, said);
        return;
      case "more":
        this.#page(from, said.after);
        return;
      case "page":
        this.#read(from, said);
        return;
      case "change":
        this.#take(from, said);
        return;
    }
  }

  gone(node: string): void {
    if (this.#drop(node)) this.#host.changed();
    this.#check();
  }

  missed(node: string | undefined): void {
    this.#unsure.add(node);
    if (this.#unsure.size === 1) this.#host.clock.defer(() => this.#ask());
  }

  // ---- inside

  #mark(): Mark {
    return { life: this.#shared.life, version: this.#version };
  }

  #say(said: Said, to?: string): void {
    this.#shared.say(writeSaid(said), to);
  }

  #tabOf(socket: string): Entry["tab"] {
    const tab = this.#list.tabOf(socket);
    try {
      return tab && { key: tab.key, head: this.#host.encode(tab.value), away: tab.away, turn: tab.turn };
    } catch (error) {
      // The app has changed it since.
      this.#host.failed(error);
      return undefined;
    }
  }

  #ask(): void {
    const unsure = [...this.#unsure];
    this.#unsure.clear();
    if (this.#isClosed) return;
    const sync = (peers: Iterable<readonly [string, Peer]>): Said => {
      const known = [...peers].map(([node, { life, known: version }]) => [node, { life, version }] as const);
      return { kind: "sync", ...this.#mark(), known: new Map(known) };
    };
    if (!this.#hasAsked) {
      this.#hasAsked = true;
      const told = (): void => {
        this.#hasHeard = true;
        this.#check();
      };
      this.#shared.ask(writeSaid(sync([]))).then(told, told);
    } else if (unsure.includes(undefined)) this.#say(sync(this.#peers));
    else
      for (const node of unsure as string[]) {
        const peer = this.#peers.get(node);
        this.#say(sync(peer ? [[node, peer]] : []), node);
      }
  }

  #compare(from: string, { life, version, known }: Said & { readonly kind: "sync" }): void {
    const mine = known.get(this.#shared.node);
    const isSame = mine
      ? mine.life === this.#shared.life && mine.version === this.#version
      : this.#own.size === 0;
    if (!isSame) this.#page(from, 0);
    const peer = this.#peers.get(from);
    const isBehind = peer ? life > peer.life || (life === peer.life && version > peer.known) : version > 0;
    if (isBehind) this.#askFor(from, this.#peer(from, life));
    this.#host.changed();
  }

  /** Sends the entries that come behind a version, as many as fit. */
  #page(to: string, after: number): void {
    const entries: Entry[] = [];
    let bytes = 0;
    for (const [socket, version] of this.#own) {
      if (version <= after) continue;
      // All of one version go together: the next page begins behind it.
      if (bytes >= PIECE_BYTES && version !== entries.at(-1)?.version) {
        this.#say({ kind: "page", ...this.#mark(), after, entries, isLast: false }, to);
        return;
      }
      const tab = this.#tabOf(socket);
      if (tab) entries.push({ socket, version, tab });
      bytes += weightOf(socket, tab);
    }
    this.#say({ kind: "page", ...this.#mark(), after, entries, isLast: true }, to);
  }

  #read(from: string, { life, version, after, entries, isLast }: Said & { readonly kind: "page" }): void {
    const peer = this.#peer(from, life);
    if (peer === undefined) return;
    peer.hasMoved = true;
    if (after === 0) peer.reading = { start: version, next: 0, seen: new Set() };
    const { reading } = peer;
    // What comes twice is there already; of what was lost the rest is worth nothing.
    if (reading === undefined) this.#askFor(from, peer);
    if (reading?.next !== after) return;
    for (const entry of entries) {
      reading.seen.add(entry.socket);
      this.#put(from, peer, entry);
    }
    if (!isLast) {
      reading.next = entries.at(-1)?.version ?? after;
      peer.isAsked = true;
      this.#askAgain();
      this.#say({ kind: "more", after: reading.next }, from);
    } else {
      for (const [socket, last] of peer.versions)
        if (last <= reading.start && !reading.seen.has(socket)) this.#remove(from, peer, socket);
      peer.known = Math.max(peer.known, reading.start);
      peer.reading = undefined;
      peer.isAsked = false;
      this.#advance(from, peer);
    }
    this.#host.changed();
    this.#check();
  }

  #take(from: string, { life, version, entries }: Said & { readonly kind: "change" }): void {
    const peer = this.#peer(from, life);
    if (peer === undefined) return;
    for (const entry of entries) this.#put(from, peer, { ...entry, version });
    if (version > peer.to) {
      if (version > peer.to + 1) peer.from = version - 1;
      peer.to = version;
    }
    this.#advance(from, peer);
    this.#host.changed();
  }

  /** Is all known now? */
  #advance(from: string, peer: Peer): void {
    if (peer.from <= peer.known) peer.known = Math.max(peer.known, peer.to);
    if (peer.known < peer.to) {
      this.#askFor(from, peer);
      return;
    }
    for (const socket of peer.removed) this.#remove(from, peer, socket);
  }

  #put(node: string, peer: Peer, { socket, version, tab }: Entry): void {
    // One that is not there was removed, if its version is known.
    if (version <= (peer.versions.get(socket) ?? peer.known)) return;
    this.#remove(node, peer, socket);
    if (this.#others >= MAX_OTHERS) {
      this.#host.failed(noPresence(`a room has more than ${MAX_OTHERS} sockets of other nodes`));
      return;
    }
    const shown = tab && this.#shownOf(tab);
    if (tab && shown) {
      const { key, away, turn } = tab;
      this.#list.put(`${node} ${socket}`, key, { ...shown, away, turn, node });
    } else peer.removed.add(socket);
    peer.versions.set(socket, version);
    this.#others += 1;
  }

  #shownOf({
    head,
  }: {
    readonly head: Head;
  }): { readonly value: unknown; readonly bytes: number } | undefined {
    try {
      return this.#host.decode(head);
    } catch (error) {
      this.#host.failed(error);
      return undefined;
    }
  }

  #remove(node: string, peer: Peer, socket: string): void {
    if (!peer.versions.delete(socket)) return;
    this.#others -= 1;
    if (!peer.removed.delete(socket)) this.#list.remove(`${node} ${socket}`);
  }

  /** What is known of a node. Nothing: what it says is older than that. */
  #peer(node: string, life: number): Peer | undefined {
    const known = this.#peers.get(node);
    if (known && known.life >= life) return known.life === life ? known : undefined;
    this.#drop(node);
    const state = { known: 0, from: 0, to: 0, isAsked: false, hasMoved: false, reading: undefined };
    const peer: Peer = { life, versions: new Map(), removed: new Set(), ...state };
    this.#peers.set(node, peer);
    return peer;
  }

  #drop(node: string): boolean {
    const peer = this.#peers.get(node);
    if (peer === undefined) return false;
    for (const socket of peer.versions.keys()) this.#remove(node, peer, socket);
    this.#peers.delete(node);
    return true;
  }

  #askFor(node: string, peer: Peer | undefined): void {
    if (peer === undefined || peer.isAsked) return;
    peer.isAsked = true;
    this.#say({ kind: "more", after: 0 }, node);
    this.#askAgain();
  }

  #askAgain(): void {
    if (this.#isClosed) return;
    this.#again ??= this.#host.clock.setTimer(() => {
      this.#again = undefined;
      for (const [node, peer] of this.#peers) {
        if (!peer.isAsked) continue;
        if (!peer.hasMoved) this.#say({ kind: "more", after: 0 }, node);
        peer.hasMoved = false;
        this.#askAgain();
      }
    }, AGAIN_MS);
  }

  #check(): void {
    if (this.#hasHeard && ![...this.#peers.values()].some(({ isAsked }) => isAsked)) this.#nowReady();
  }

  #nowReady(): void {
    if (this.#isReady) return;
    this.#isReady = true;
    this.#host.clock.clearTimer(this.#patience);
    this.#settle();
  }
}

function weightOf(socket: string, tab: Entry["tab"]): number {
  return socket.length + (tab ? tab.key.length + tab.head.length : 0);
}
