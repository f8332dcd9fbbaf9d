import type { NotingSocket } from "@sockeye/conformance/cluster-node";
import { type Played, type Process, type Span, World } from "./world.js";

const STEPS = 150;
/** So long a node waits for its log before it tells its clients alone. */
const PATIENCE_MS = 2_000;

/** A client that moves from node to node. */
interface Client {
  at: Process;
  socket: NotingSocket;
  /** What it got since it was last told that it begins anew. */
  seen: unknown[];
  alone: Set<unknown>;
  /** What it got at the node where it is now. */
  sinceMove: number;
  away: number | undefined;
}

/** `recovered` is said to nobody who has missed something, and all are told in one order. */
export async function playWithLog(seed: number, watch = (_world: World): void => {}): Promise<Played> {
  const play = new Play(new World(seed, { log: true }));
  watch(play.world);
  await play.run();
  const { problems, world } = play;
  return { problems: [...problems], faults: world.faults, silent: 0 };
}

class Play {
  readonly problems = new Set<string>();
  readonly #clients: Client[] = [];
  /** What is kept comes by here in the order of the log. */
  readonly #order: string[] = [];
  readonly #position = new Map<unknown, number>();
  /** When it was kept. */
  readonly #keptAt: number[] = [];
  /** When somebody began a new epoch, since something had been told alone. */
  readonly #renewedAt: number[] = [];
  /** When nodes told their clients alone. */
  readonly #aloneAt = new Map<unknown, { readonly at: number; readonly by: Process }>();
  #returns = 0;

  constructor(readonly world: World) {
    const { hub, clock } = world;
    world.onPass = () => {
      for (const process of world.processes) this.#noteAlone(process);
    };
    const carry = hub.carry.bind(hub);
    hub.carry = (from, told) => {
      if (told.at) this.#kept(Buffer.from(told.bytes).toString("latin1"));
      carry(from, told);
    };
    const renew = hub.logs.renew.bind(hub.logs);
    hub.logs.renew = (group) => {
      this.#renewedAt.push(clock.now());
      return renew(group);
    };
  }

  async run(): Promise<void> {
    const { world } = this;
    await world.begin();
    for (const at of world.processes.slice(0, 3)) {
      const socket = at.node.join("all", "some");
      const { got: seen, alone } = socket;
      this.#clients.push({ at, socket, seen, alone, sinceMove: 0, away: undefined });
    }
    for (let step = 0; step < STEPS; step++) {
      const what = world.random();
      if (what < 0.06) world.misfortune();
      else for (let n = 0; n < 2; n++) world.emit(world.pick(world.processes));
      const client = world.pick(this.#clients);
      if (what > 0.7 && client.away === undefined) this.#leaves(client);
      else if (what > 0.5 && client.away !== undefined)
        await this.#comesBack(client, world.pick(world.processes));
      await world.pass(Math.floor(world.random() * 300));
    }
    await this.#settle();
    for (const process of world.processes) for (let each = 0; each < 4; each++) world.emit(process, " last");
    await this.#settle();
    this.#end();
  }

  /** All faults are over, and all clients are back. */
  async #settle(): Promise<void> {
    await this.world.rest();
    for (const client of this.#clients)
      if (client.away !== undefined) await this.#comesBack(client, client.at);
  }

  #kept(text: string): void {
    const [, event] = /42\["([^"]+)"/.exec(text) ?? [];
    if (event === undefined || this.#position.has(event)) return;
    this.#position.set(event, this.#order.push(event));
    this.#keptAt.push(this.world.clock.now());
  }

  #leaves(client: Client): void {
    if (client.at.clock.isFrozen) return;
    client.at.node.lose(client.socket);
    client.away = this.world.clock.now();
  }

  async #comesBack(client: Client, next: Process): Promise<void> {
    if (next.clock.isFrozen) return;
    this.#checkClient(client);
    const { world } = this;
    const began = world.clock.now();
    // Its middlewares take their time, and more is sent meanwhile.
    let decide = (): void => {};
    const decided = new Promise<void>((resolve) => {
      decide = resolve;
    });
    let isOpen = true;
    const coming = next.node.comesBack(client.socket, decided).catch(() => undefined);
    coming.then(() => {
      isOpen = false;
    });
    for (let wait = 0; isOpen && wait < 1000; wait++) {
      if (wait % 3 === 0) world.emit(world.pick(world.processes));
      if (wait > 30) decide();
      await world.pass(5);
    }
    if (isOpen) {
      this.problems.add(`no answer to a return at ${began}`);
      return;
    }
    const socket = await coming;
    if (socket) this.#recovered(client, socket, began);
    else {
      const fresh = next.node.join("all", "some");
      Object.assign(client, { socket: fresh, seen: fresh.got, alone: fresh.alone, sinceMove: 0 });
    }
    Object.assign(client, { at: next, away: undefined });
  }

  /** Up to here it has all. */
  #recovered(client: Client, socket: NotingSocket, began: number): void {
    this.#returns += 1;
    const { seen, alone } = client;
    client.sinceMove = seen.length;
    seen.push(...socket.got.splice(0));
    for (const event of socket.alone) alone.add(event);
    Object.assign(socket, { got: seen, alone });
    client.socket = socket;
    const numbers = seen.flatMap((event) => this.#position.get(event) ?? []);
    const has = new Set(seen);
    const missing = this.#order
      .slice((numbers[0] ?? 1) - 1, numbers.at(-1) ?? 0)
      .filter((event) => !isPrivate(event) && !has.has(event));
    if (missing.length > 0) this.problems.add(`told recovered at ${began} without ${missing[0]}`);
    // What a node has told alone meanwhile is in no log: once that node is back, nobody is recovered who was away then.
    for (const [event, { at }] of this.#aloneAt) {
      const isKnown = this.#position.has(event) || has.has(event) || isPrivate(event);
      if (isKnown || at <= (client.away ?? began)) continue;
      if (this.#renewedAt.some((renewed) => renewed > at && renewed < began))
        this.problems.add(`told recovered at ${began} without ${event}, which was told alone at ${at}`);
    }
  }

  #checkClient({ at, seen, alone, sinceMove }: Client): void {
    this.#check(
      at,
      seen.slice(sinceMove),
      seen.filter((event) => !alone.has(event)),
    );
  }

  #noteAlone(process: Process): void {
    const { clock } = this.world;
    for (const event of process.socket.alone) {
      if (this.#aloneAt.has(event)) continue;
      const by = this.world.processes.find(({ name }) => String(event).startsWith(`${name} `));
      if (!by) continue;
      this.#aloneAt.set(event, { at: clock.now(), by });
      const hadTrouble = [...by.downs, ...by.frozen].some(
        ({ to }: Span) => to >= clock.now() - 3 * PATIENCE_MS,
      );
      if (!hadTrouble)
        this.problems.add(`${by.name} tells ${event} alone at ${clock.now()}, and nothing was wrong`);
    }
  }

  /**
   * At one node nothing comes twice, told alone or not, and what that node has said comes in the order in which it said it. What is out of the log
   * comes in its order, wherever the client was meanwhile.
   */
  #check(at: Process, here: readonly unknown[], all: readonly unknown[]): void {
    const where = at.name;
    if (new Set(here).size < here.length) this.problems.add(`twice at ${where}`);
    const own = here.filter((event) => String(event).startsWith(`${where} `)).map(numberOf);
    if (!isSorted(own)) this.problems.add(`${where} tells its own events out of order`);
    const logged = all.filter((event) => this.#position.has(event) && !this.#aloneAt.has(event));
    if (new Set(logged).size < logged.length) this.problems.add(`twice, at last at ${where}`);
    if (!isSorted(logged.flatMap((event) => this.#position.get(event) ?? [])))
      this.problems.add(`out of the log's order, at last at ${where}`);
  }

  #end(): void {
    const { processes, sent, clock } = this.world;
    const last = sent.filter(({ event }) => event.endsWith(" last") && !event.includes("private"));
    for (const process of processes) {
      const { name, socket, gaps, node } = process;
      const has = new Set(socket.got);
      for (const { event } of last) if (!has.has(event)) this.problems.add(`${name} never gets ${event}`);
      this.#check(process, socket.got, socket.got);
      // What its clients have missed was told, to them as to the others.
      for (const { event, at, by } of sent) {
        if (has.has(event) || by.name === name || gaps.some((gap) => gap >= at)) continue;
        this.problems.add(`${event} of ${at} never comes to ${name}, and nobody is told by ${clock.now()}`);
      }
      for (const failure of node.failures) this.problems.add(`${name}: ${failure}`);
    }
    for (const client of this.#clients) {
      const { at, seen } = client;
      this.#checkClient(client);
      const has = new Set(seen);
      for (const { event } of last)
        if (!has.has(event)) this.problems.add(`a client at ${at.name} never gets ${event}`);
    }
    if (this.#returns === 0) this.problems.add("nobody was recovered: nothing was tested");
  }
}

function isPrivate(event: unknown): boolean {
  return String(event).includes(" private");
}

function numberOf(event: unknown): number {
  return Number(String(event).split(" ")[1]);
}

function isSorted(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0));
}
