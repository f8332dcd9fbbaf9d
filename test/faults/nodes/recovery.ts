// Nodes with connection state recovery over a bus that keeps a log. They are killed, stopped and frozen, the engine is restarted with and without what it
// kept, and clients come back wherever the balancer leads them. What nodes say goes through the log: nothing of it may be missing, come twice or
// out of order in a conversation, and nobody may be told `recovered` who has missed something.
import cluster, { type Worker } from "node:cluster";
import { fileURLToPath } from "node:url";
import { relay } from "@sockeye/bus-process";
import type { Socket } from "socket.io-client";
import { startProxy } from "../../../examples/cluster/proxy.js";
import type { Random } from "../../fuzz/random.js";
import { type ClientName, loadClient, optionsFor, type Way } from "../../support/servers.js";
import { stream } from "../plan.js";
import { type Engine, startEngine } from "./engine.js";
import { type Gap, Heard, untold } from "./recovery-check.js";
import type { NodesSetup } from "./trial.js";

export interface RecoverySetup extends NodesSetup {
  /** Seconds between two strokes. Default 5. */
  readonly every?: number | undefined;
}

export interface RecoveryOutcome {
  readonly violations: readonly string[];
  readonly strokes: Readonly<Record<string, number>>;
  /**
   * Events that clients got; returns, and how many of them were recovered; events of clients, those that were handled more than once, and those that
   * a client without retries has lost; holes that were told; ms until all nodes counted all clients once in the end.
   */
  readonly totals: Readonly<
    Record<"down" | "returns" | "recovered" | "up" | "upTwice" | "upLost" | "toldHoles" | "restMs", number>
  >;
}

const NODE = fileURLToPath(new URL("./recovery-node.mjs", import.meta.url));
const PEERS: readonly (readonly [ClientName, Way])[] = [
  ["sockeye", "websocket"],
  ["socket.io-client 4", "websocket"],
  ["sockeye", "polling"],
  ["socket.io-client 4", "polling, then websocket"],
  ["sockeye", "polling, then websocket"],
  ["socket.io-client 3", "polling, then websocket"],
];
const REST_MS = 90_000;

interface Node {
  readonly name: string;
  readonly worker: Worker;
  port: number;
  state: "starting" | "up" | "ending" | "gone";
}

interface Client {
  readonly socket: Socket;
  readonly heard: Heard;
  /** It says again what was not acknowledged. */
  readonly retries: boolean;
  sent: number;
  /** How often each of its events was handled. */
  readonly handled: Map<number, number>;
}

class Trial {
  readonly #setup: RecoverySetup;
  readonly #random: Random;
  readonly violations: string[] = [];
  readonly strokes: Record<string, number> = {};
  readonly #nodes: Node[] = [];
  readonly #gaps: Gap[] = [];
  readonly #clients: Client[] = [];
  readonly #counts = new Map<number, (sockets: unknown) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #engine: Engine | undefined;
  #proxy: Awaited<ReturnType<typeof startProxy>> | undefined;
  #names = 0;
  #asked = 0;
  #restMs = 0;
  #over = false;

  constructor(setup: RecoverySetup) {
    this.#setup = setup;
    this.#random = stream(setup.seed, 0, 0, 30);
  }

  get totals(): RecoveryOutcome["totals"] {
    const sum = (of: (client: Client) => number): number =>
      this.#clients.reduce((total, client) => total + of(client), 0);
    return {
      down: sum(({ heard }) => heard.totals.events),
      returns: sum(({ heard }) => heard.totals.returns),
      recovered: sum(({ heard }) => heard.totals.recovered),
      up: sum(({ sent }) => sent),
      upTwice: sum(({ handled }) => [...handled.values()].filter((times) => times > 1).length),
      upLost: sum(({ sent, handled }) => sent - handled.size),
      toldHoles: sum(({ heard }) => heard.holes.length),
      restMs: this.#restMs,
    };
  }

  async run(): Promise<void> {
    const { bus, nodes, seconds, every = 5 } = this.#setup;
    this.#engine = await startEngine(bus);
    if (bus === "process") relay();
    cluster.setupPrimary({ exec: NODE, execArgv: [], serialization: "advanced" });
    for (let n = 0; n < nodes; n++) this.#launch();
    await this.#until(() => this.#live().length === nodes, "the nodes");
    this.#proxy = await startProxy(0, () => this.#live().map(({ port }) => port));
    await this.#enter(`http://127.0.0.1:${this.#proxy.port}`);
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      await this.#pause(every * (500 + this.#random.below(1000)));
      await this.#strike();
    }
    await this.#rest();
    for (const { heard } of this.#clients) {
      this.violations.push(...heard.violations);
      this.violations.push(...untold(heard.holes, this.#gaps));
    }
  }

  /** Whatever has become of it. */
  async end(): Promise<void> {
    this.#over = true;
    for (const timer of this.#timers) clearInterval(timer);
    for (const { socket } of this.#clients) socket.disconnect();
    this.#proxy?.close();
    for (const { worker } of this.#nodes) worker.process.kill("SIGKILL");
    await this.#engine?.remove();
  }

  #live(): Node[] {
    return this.#nodes.filter(({ state }) => state === "up");
  }

  #launch(): void {
    const name = `node ${this.#names++}`;
    const { bus } = this.#setup;
    const env = { NODE_NAME: name, NODE_OPTIONS: "", BUS: bus, ENGINE_PORT: `${this.#engine?.port}` };
    const node: Node = { name, worker: cluster.fork(env), port: 0, state: "starting" };
    this.#nodes.push(node);
    node.worker.on("message", (message: Record<string, unknown>) => this.#told(node, message));
    node.worker.on("exit", () => {
      node.state = "gone";
      this.#nodes.splice(this.#nodes.indexOf(node), 1);
    });
  }

  #told(node: Node, message: Record<string, unknown>): void {
    const { port, gap, violation, error, client, up, counted, sockets } = message;
    if (typeof port === "number") Object.assign(node, { port, state: "up" });
    if (typeof gap === "number") this.#gaps.push({ node: node.name, at: gap });
    if (violation !== undefined) this.violations.push(String(violation));
    if (error !== undefined) this.violations.push(`${node.name} failed: ${String(error)}`);
    if (typeof client === "number" && typeof up === "number") {
      const handled = this.#clients[client]?.handled;
      handled?.set(up, (handled.get(up) ?? 0) + 1);
    }
    if (typeof counted === "number") this.#counts.get(counted)?.(sockets);
  }

  async #enter(url: string): Promise<void> {
    for (let number = 0; number < this.#setup.clients; number++) {
      const [name, way] = PEERS[number % PEERS.length] as (typeof PEERS)[number];
      const retries = name !== "socket.io-client 3";
      const { io } = await loadClient(name);
      const socket = io(url, {
        ...optionsFor(way),
        ...(retries && { retries: 1_000, ackTimeout: 3_000 }),
        reconnectionDelay: 50,
        reconnectionDelayMax: 500,
        auth: { client: number },
      } as object) as Socket;
      const heard = new Heard(`client ${number} (${name}, ${way})`);
      const client: Client = { socket, heard, retries, sent: 0, handled: new Map() };
      this.#clients.push(client);
      socket.on("connect", () => heard.connected(`${socket.id}`, socket.recovered === true));
      socket.on("here", (node: string, answer: () => void) => {
        heard.at(node);
        answer();
      });
      socket.on("down", (key: string, n: number, at: number) => heard.got(`${socket.id}`, key, { n, at }));
      this.#every(100, () => {
        // With retries what is said while it is away is said later.
        if (retries || socket.connected) socket.emit("up", client.sent++);
      });
    }
    await this.#until(() => this.#clients.every(({ socket }) => socket.connected), "the clients");
  }

  async #strike(): Promise<void> {
    // One at a time, so that there is somebody to go to.
    if (this.#live().length < this.#setup.nodes) return;
    const engine = this.#engine;
    const kinds = [
      "kill",
      "kill",
      "kill",
      "stop",
      "freeze",
      ...(engine ? ["restart the engine", "empty the engine"] : []),
    ];
    const kind = this.#random.pick(kinds);
    const node = this.#random.pick(this.#live());
    const awayMs = this.#random.below(4_000);
    this.strokes[kind] = (this.strokes[kind] ?? 0) + 1;
    if (engine && kind.endsWith("engine")) {
      await engine.stop();
      if (kind === "empty the engine") await engine.forget();
      await this.#pause(awayMs);
      await engine.start();
      return;
    }
    node.state = "ending";
    if (kind === "freeze") {
      node.worker.process.kill("SIGSTOP");
      await this.#pause(2 * awayMs);
      node.worker.process.kill("SIGCONT");
      node.state = "up";
      return;
    }
    if (kind === "stop") node.worker.send({ stop: true });
    else node.worker.process.kill("SIGKILL");
    await this.#until(() => (node.state as string) === "gone", `the end of ${node.name}`);
    this.#launch();
  }

  async #count(node: Node): Promise<unknown> {
    const id = ++this.#asked;
    const answer = new Promise((resolve) => this.#counts.set(id, resolve));
    node.worker.send({ count: id }, () => {});
    return Promise.race([answer, this.#pause(10_000)]);
  }

  /** Everybody is back, all nodes count each client once, and what clients that retry have said was handled. */
  async #rest(): Promise<void> {
    const { clients, nodes } = this.#setup;
    await this.#until(() => this.#live().length === nodes, "all nodes to be there");
    await this.#until(() => this.#clients.every(({ socket }) => socket.connected), "all clients to be there");
    const began = Date.now();
    let counts: unknown[] = [];
    await this.#until(async () => {
      counts = await Promise.all(this.#live().map((node) => this.#count(node)));
      return counts.every((count) => count === clients);
    }, "the end of all ghosts").catch((error: unknown) => this.violations.push(`${error}: ${counts}`));
    this.#restMs = Date.now() - began;
    for (const timer of this.#timers) clearInterval(timer);
    const open = (): Client[] =>
      this.#clients.filter(({ retries, sent, handled }) => retries && handled.size < sent);
    await this.#until(() => open().length === 0, "what clients have said").catch(() => {
      for (const { heard, sent, handled } of open())
        this.violations.push(`${sent - handled.size} events of ${heard.label} were never handled`);
    });
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

export async function playRecovery(setup: RecoverySetup): Promise<RecoveryOutcome> {
  const trial = new Trial(setup);
  try {
    await trial.run();
  } finally {
    await trial.end();
  }
  const { violations, strokes, totals } = trial;
  return { violations, strokes, totals };
}
