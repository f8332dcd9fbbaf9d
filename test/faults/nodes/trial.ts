// Several nodes behind a balancer that knows nothing of sessions, and clients of all kinds. Nodes are stopped, killed and frozen, the engine is
// restarted, and one way between a node and the engine is cut.
import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import { relay } from "@sockeye/bus-process";
import type { Socket } from "socket.io-client";
import { startProxy } from "../../../examples/cluster/proxy.js";
import type { Random } from "../../fuzz/random.js";
import { type ClientName, loadClient, optionsFor, type Way } from "../../support/servers.js";
import { stream } from "../plan.js";
import { type BusName, type Engine, startEngine } from "./engine.js";
import { type OneWayProxy, oneWayProxy } from "./one-way.js";

export interface NodesSetup {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly clients: number;
  readonly bus: BusName;
  /** Do nodes listen for each other? If not, requests go over the bus, and no client uses WebSocket. Default true. */
  readonly links?: boolean | undefined;
  /** What strikes. Default: all that there is for this bus. */
  readonly strokes?: readonly string[] | undefined;
}

export interface NodesOutcome {
  /** What must not be. */
  readonly violations: readonly string[];
  readonly strokes: Readonly<Record<string, number>>;
  /** Events that clients got and that nodes acknowledged, queries and the longest of them in ms, gaps that were told, conversations that ended. */
  readonly totals: Readonly<Record<"down" | "up" | "queries" | "slowestMs" | "gaps" | "ended", number>>;
}

const NODE = fileURLToPath(new URL("./node.mjs", import.meta.url));
const PEERS: readonly (readonly [ClientName, Way])[] = [
  ["sockeye", "polling"],
  ["sockeye", "websocket"],
  ["sockeye", "polling, then websocket"],
  ["sockeye", "stream"],
  ["socket.io-client 4", "polling"],
  ["socket.io-client 4", "polling, then websocket"],
  ["socket.io-client 3", "polling"],
  ["socket.io-client 2", "polling, then websocket"],
];
/** A query settles after 5 s at most; what is beyond that is for a machine that has much else to do. */
const QUERY_MS = 10_000;
/** For the windows of lost sessions, for nodes that are not heard any more, and for clients to come back. */
const REST_MS = 90_000;

interface Node {
  readonly name: string;
  readonly worker: Worker;
  /** Its way to the engine, if there is one. */
  readonly way: OneWayProxy | undefined;
  port: number;
  gaps: number;
  state: "starting" | "up" | "frozen" | "gone";
}

class Trial {
  readonly #setup: NodesSetup;
  readonly #random: Random;
  readonly violations: string[] = [];
  readonly strokes: Record<string, number> = {};
  readonly totals = { down: 0, up: 0, queries: 0, slowestMs: 0, gaps: 0, ended: 0 };
  readonly #nodes: Node[] = [];
  readonly #byName = new Map<string, Node>();
  /** Holes that a gap must explain, by the node at which they were seen. */
  readonly #holes: { readonly node: string; readonly text: string }[] = [];
  readonly #sockets: Socket[] = [];
  readonly #queries = new Map<number, { readonly node: Node; settle(sockets: unknown): void }>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #engine: Engine | undefined;
  #proxy: Awaited<ReturnType<typeof startProxy>> | undefined;
  #names = 0;
  #over = false;

  constructor(setup: NodesSetup) {
    this.#setup = setup;
    this.#random = stream(setup.seed, 0, 0, 20);
  }

  async run(): Promise<void> {
    const { bus, nodes, seconds } = this.#setup;
    this.#engine = await startEngine(bus);
    if (bus === "process") relay();
    cluster.setupPrimary({ exec: NODE, execArgv: [], serialization: "advanced" });
    for (let n = 0; n < nodes; n++) await this.#launch();
    await this.#until(() => this.#live().length === nodes, "the nodes");
    this.#proxy = await startProxy(0, () =>
      this.#nodes.flatMap(({ state, port }) => (state === "gone" ? [] : port || [])),
    );
    await this.#enter(`http://127.0.0.1:${this.#proxy.port}`);
    this.#every(500, () => void this.#ask());
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      await this.#pause(500 + this.#random.below(1500));
      await this.#strike();
    }
    await this.#rest();
    for (const { node, text } of this.#holes)
      if ((this.#byName.get(node)?.gaps ?? 0) === 0) this.violations.push(text);
  }

  /** Whatever has become of it. */
  async end(): Promise<void> {
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const socket of this.#sockets) socket.disconnect();
    this.#proxy?.close();
    for (const { worker, way } of this.#nodes) {
      worker.process.kill("SIGKILL");
      way?.close();
    }
    await this.#engine?.remove();
  }

  #live(): Node[] {
    return this.#nodes.filter(({ state }) => state === "up");
  }

  async #launch(): Promise<void> {
    const name = `node ${this.#names++}`;
    const { bus } = this.#setup;
    const way = this.#engine && (await oneWayProxy(this.#engine.port));
    const env = {
      ...{ NODE_NAME: name, NODE_OPTIONS: "", BUS: bus, ENGINE_PORT: `${way?.port}` },
      LISTEN: `${this.#setup.links !== false}`,
    };
    const node: Node = { name, worker: cluster.fork(env), way, port: 0, gaps: 0, state: "starting" };
    this.#nodes.push(node);
    this.#byName.set(name, node);
    node.worker.on("message", (message: Record<string, unknown>) => this.#told(node, message));
    node.worker.on("exit", () => {
      node.state = "gone";
      way?.close();
      this.#nodes.splice(this.#nodes.indexOf(node), 1);
      for (const [id, query] of this.#queries) if (query.node === node) this.#queries.delete(id);
    });
  }

  #told(
    node: Node,
    { port, gap, violation, error, unknown, counted, sockets, ms }: Record<string, unknown>,
  ): void {
    if (typeof port === "number") Object.assign(node, { port, state: "up" });
    if (gap === true) {
      node.gaps += 1;
      this.totals.gaps += 1;
    }
    if (violation !== undefined) this.violations.push(String(violation));
    if (error !== undefined) this.violations.push(`${node.name} failed: ${String(error)}`);
    // Of a node that is gone sessions are unknown, and rightly.
    if (typeof unknown === "string") {
      const owner = this.#nodes.find((one) => one.state === "up" && this.#tags.get(one.name) === unknown);
      // One that hears nobody takes the others to be dead.
      if (owner && ![owner, node].some((one) => this.#wasFrozen.has(one.name)))
        this.violations.push(`${node.name} knows no session of ${owner.name}, which lives`);
    }
    if (typeof counted !== "number") return;
    const query = this.#queries.get(counted);
    this.#queries.delete(counted);
    query?.settle(sockets);
    this.totals.slowestMs = Math.max(this.totals.slowestMs, Math.round(Number(ms)));
    if (Number(ms) > QUERY_MS && !this.#wasFrozen.has(node.name))
      this.violations.push(`a query of ${node.name} took ${Math.round(Number(ms))} ms`);
  }

  /** By name: the last four characters of the ids of its sockets. */
  readonly #tags = new Map<string, string>();
  /** Such a node is not waited for, its clients are refused elsewhere, and it hears nobody for a while. */
  readonly #wasFrozen = new Set<string>();

  async #enter(url: string): Promise<void> {
    const peers = PEERS.filter(([, way]) => this.#setup.links !== false || !way.includes("websocket"));
    const names = new Set(peers.map(([name]) => name));
    const loaded = new Map(
      await Promise.all([...names].map(async (name) => [name, await loadClient(name)] as const)),
    );
    for (let client = 0; client < this.#setup.clients; client++) {
      const [name, way] = peers[client % peers.length] as (typeof PEERS)[number];
      const options = {
        ...optionsFor(way),
        reconnectionDelay: 50,
        reconnectionDelayMax: 500,
        auth: { client },
        query: { client: `${client}` },
      };
      const socket = loaded.get(name)?.io(url, options) as Socket;
      this.#sockets.push(socket);
      this.#listen(socket, `client ${client} (${name}, ${way})`);
    }
    await this.#until(() => this.#sockets.every(({ connected }) => connected), "the clients");
  }

  #listen(socket: Socket, label: string): void {
    let node = "";
    let last = new Map<string, number>();
    socket.on("disconnect", () => {
      this.totals.ended += 1;
    });
    socket.on("here", (name: string) => {
      node = name;
      this.#tags.set(name, `${socket.id}`.slice(-4));
    });
    let conversation: string | undefined;
    socket.on("down", (key: string, n: number) => {
      if (socket.id !== conversation) last = new Map();
      conversation = socket.id;
      this.totals.down += 1;
      const before = last.get(key);
      last.set(key, n);
      if (before === undefined || n === before + 1) return;
      const text = `${label} at ${node}: ${n} after ${before} of ${key}`;
      if (n <= before) this.violations.push(text);
      else this.#holes.push({ node, text });
    });
    let next = 0;
    this.#every(100, () => {
      // What a client says while it is away is another trial's business.
      if (!socket.connected) return;
      socket.emit("up", next++, () => void this.totals.up++);
    });
  }

  /** Any node counts the sockets of all. */
  async #ask(node: Node = this.#random.pick(this.#live())): Promise<unknown> {
    if (node === undefined) return undefined;
    const id = ++this.totals.queries;
    const answer = new Promise((settle) => this.#queries.set(id, { node, settle }));
    node.worker.send({ count: id }, () => {});
    return answer;
  }

  async #strike(): Promise<void> {
    // One at a time, so that there is somebody to go to.
    if (this.#live().length < this.#setup.nodes) return;
    const engine = this.#engine;
    const kinds = ["stop", "kill", "freeze", ...(engine ? ["restart the engine", "deaf", "mute"] : [])];
    const { strokes = kinds } = this.#setup;
    const kind = this.#random.pick(kinds.filter((one) => strokes.includes(one)));
    this.strokes[kind] = (this.strokes[kind] ?? 0) + 1;
    const node = this.#random.pick(this.#live());
    if (kind === "restart the engine") {
      await engine?.stop();
      await this.#pause(this.#random.below(3000));
      await engine?.start();
    } else if (kind === "deaf" || kind === "mute") {
      // As others see it, it may be dead: they do not wait for it.
      this.#wasFrozen.add(node.name);
      node.way?.cut(kind);
      await this.#pause(this.#random.below(12_000));
      node.way?.heal();
    } else if (kind === "freeze") {
      node.state = "frozen";
      this.#wasFrozen.add(node.name);
      node.worker.process.kill("SIGSTOP");
      await this.#pause(this.#random.below(8000));
      node.worker.process.kill("SIGCONT");
      node.state = "up";
    } else {
      node.state = "frozen";
      if (kind === "stop") node.worker.send({ stop: true });
      else node.worker.process.kill("SIGKILL");
      await this.#until(() => (node.state as string) === "gone", `the end of ${node.name}`);
      await this.#launch();
    }
  }

  /** Everybody is back, all nodes agree on how many there are, and what each of them says reaches everybody. */
  async #rest(): Promise<void> {
    const { clients, nodes } = this.#setup;
    await this.#until(() => this.#live().length === nodes, "all nodes to be there");
    let counts: unknown[] = [];
    await this.#until(async () => {
      counts = await Promise.all(this.#live().map((node) => this.#ask(node)));
      return this.#sockets.every(({ connected }) => connected) && counts.every((count) => count === clients);
    }, "all clients to be there once").catch((error: unknown) => this.violations.push(`${error}: ${counts}`));
    const before = { ...this.totals };
    await this.#until(
      () => this.totals.down > before.down + clients * nodes * 4 && this.totals.up > before.up + clients * 2,
      "all to talk again",
    );
  }

  #every(ms: number, act: () => void): void {
    this.#timers.add(setInterval(act, ms));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  async #until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    const end = Date.now() + REST_MS;
    while (!this.#over && !(await condition())) {
      if (Date.now() > end)
        throw new Error(`waited ${REST_MS} ms in vain for ${what}, seed ${this.#setup.seed}`);
      await this.#pause(50);
    }
  }
}

export async function playNodes(setup: NodesSetup): Promise<NodesOutcome> {
  const trial = new Trial(setup);
  try {
    await trial.run();
  } finally {
    await trial.end();
  }
  return trial;
}
