// The nodes of a trial, forked, behind a balancer that knows nothing of sessions; the engine below them; and what befalls them, one stroke at a time.
import cluster, { type Worker } from "node:cluster";
import { relay } from "@sockeye/bus-process";
import { startProxy } from "../../../examples/cluster/proxy.js";
import type { Random } from "../../fuzz/random.js";
import { type BusName, type Engine, startEngine } from "./engine.js";
import { type OneWayProxy, oneWayProxy } from "./one-way.js";

export interface FleetSetup {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly bus: BusName;
  /** Seconds between two strokes. Default 5. */
  readonly every?: number | undefined;
  /** What strikes; a name that stands twice is drawn twice as often. */
  readonly strokes?: readonly string[] | undefined;
}

export interface FleetNode {
  readonly name: string;
  readonly worker: Worker;
  /** Its way to the engine, if there is one. */
  readonly way: OneWayProxy | undefined;
  port: number;
  state: "starting" | "up" | "ending" | "gone";
}

export interface FleetParts {
  /** What a node runs. */
  readonly program: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly random: Random;
  told(node: FleetNode, message: Readonly<Record<string, unknown>>): void;
}

/** What strikes where nothing else is said: the last of them need an engine. */
const STROKES = ["kill", "kill", "kill", "stop", "freeze"] as const;
const OF_ENGINES = ["restart the engine", "empty the engine"] as const;
const NEED_ENGINE: ReadonlySet<string> = new Set([...OF_ENGINES, "crash the engine", "deaf", "mute"]);
const ANSWER_MS = 10_000;

export class Fleet {
  readonly strokes: Record<string, number> = {};
  /** Has the engine lost something that it had kept? */
  hasLost = false;
  readonly #setup: FleetSetup;
  readonly #parts: FleetParts;
  readonly #nodes: FleetNode[] = [];
  readonly #answers = new Map<number, (value: unknown) => void>();
  readonly #timers = new Set<NodeJS.Timeout>();
  #engine: Engine | undefined;
  #proxy: Awaited<ReturnType<typeof startProxy>> | undefined;
  #names = 0;
  #asked = 0;
  #over = false;

  constructor(setup: FleetSetup, parts: FleetParts) {
    this.#setup = setup;
    this.#parts = parts;
  }

  /** @returns the port of the balancer, once all nodes are there */
  async start(): Promise<number> {
    const { bus, nodes } = this.#setup;
    this.#engine = await startEngine(bus);
    if (bus === "process") relay();
    cluster.setupPrimary({ exec: this.#parts.program, execArgv: [], serialization: "advanced" });
    await Promise.all(Array.from({ length: nodes }, () => this.#launch()));
    await this.until(() => this.live().length === nodes, "the nodes", ANSWER_MS * 3);
    this.#proxy = await startProxy(0, () => this.live().map(({ port }) => port));
    return this.#proxy.port;
  }

  /** Those that answer. */
  live(): FleetNode[] {
    return this.#nodes.filter(({ state }) => state === "up");
  }

  /** Lets strokes fall for as long as the setup says, and waits for all nodes to be there again. */
  async suffer(): Promise<void> {
    const { seconds, every = 5, nodes } = this.#setup;
    const end = Date.now() + seconds * 1000;
    while (Date.now() < end) {
      await this.pause(every * (500 + this.#parts.random.below(1000)));
      await this.#strike();
    }
    await this.until(() => this.live().length === nodes, "all nodes to be there", 90_000);
  }

  tellAll(message: object): void {
    for (const { worker } of this.live()) worker.send(message, () => {});
  }

  /** @returns what the node answers; nothing after ten seconds */
  ask(node: FleetNode, question: object): Promise<unknown> {
    const id = ++this.#asked;
    const answer = new Promise((resolve) => this.#answers.set(id, resolve));
    node.worker.send({ ...question, id }, () => {});
    return Promise.race([answer, this.pause(ANSWER_MS)]);
  }

  /** Whatever has become of it. */
  async end(): Promise<void> {
    this.#over = true;
    this.hush();
    this.#proxy?.close();
    for (const { worker, way } of this.#nodes) {
      worker.process.kill("SIGKILL");
      way?.close();
    }
    await this.#engine?.remove();
  }

  /** Ends all that happens {@link every} so often. */
  hush(): void {
    for (const timer of this.#timers) clearInterval(timer);
  }

  every(ms: number, act: () => void): NodeJS.Timeout {
    const timer = setInterval(act, ms);
    this.#timers.add(timer);
    return timer;
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }

  async until(condition: () => boolean | Promise<boolean>, what: string, ms: number): Promise<void> {
    const end = Date.now() + ms;
    while (!this.#over && !(await condition())) {
      if (Date.now() > end) throw new Error(`waited ${ms} ms in vain for ${what}, seed ${this.#setup.seed}`);
      await this.pause(50);
    }
  }

  async #launch(): Promise<void> {
    const name = `node ${this.#names++}`;
    const way = this.#engine && (await oneWayProxy(this.#engine.port));
    const { bus } = this.#setup;
    const env = { NODE_NAME: name, NODE_OPTIONS: "", BUS: bus, ENGINE_PORT: `${way?.port}` };
    const worker = cluster.fork({ ...env, ...this.#parts.env });
    const node: FleetNode = { name, worker, way, port: 0, state: "starting" };
    this.#nodes.push(node);
    worker.on("message", (message: Readonly<Record<string, unknown>>) => this.#told(node, message));
    worker.on("exit", () => {
      node.state = "gone";
      way?.close();
      this.#nodes.splice(this.#nodes.indexOf(node), 1);
    });
  }

  #told(node: FleetNode, message: Readonly<Record<string, unknown>>): void {
    const { port, answered, value } = message;
    if (typeof port === "number") Object.assign(node, { port, state: "up" });
    else if (typeof answered === "number") {
      this.#answers.get(answered)?.(value);
      this.#answers.delete(answered);
    } else this.#parts.told(node, message);
  }

  async #strike(): Promise<void> {
    // One at a time, so that there is somebody to go to.
    if (this.live().length < this.#setup.nodes) return;
    const engine = this.#engine;
    const { strokes = [...STROKES, ...OF_ENGINES] } = this.#setup;
    const { random } = this.#parts;
    const kind = random.pick(strokes.filter((one) => engine || !NEED_ENGINE.has(one)));
    const node = random.pick(this.live());
    const awayMs = random.below(4_000);
    this.strokes[kind] = (this.strokes[kind] ?? 0) + 1;
    if (engine && kind.endsWith("engine")) {
      await (kind === "crash the engine" ? engine.crash() : engine.stop());
      if (kind === "empty the engine") await engine.forget();
      if (kind !== "restart the engine") this.hasLost = true;
      await this.pause(awayMs);
      await engine.start();
    } else if (kind === "deaf" || kind === "mute") {
      node.way?.cut(kind);
      await this.pause(3 * awayMs);
      node.way?.heal();
    } else await this.#strikeNode(node, kind, awayMs);
  }

  async #strikeNode(node: FleetNode, kind: string, awayMs: number): Promise<void> {
    node.state = "ending";
    if (kind === "freeze") {
      node.worker.process.kill("SIGSTOP");
      await this.pause(2 * awayMs);
      node.worker.process.kill("SIGCONT");
      node.state = "up";
      return;
    }
    if (kind === "stop") node.worker.send({ stop: true });
    else node.worker.process.kill("SIGKILL");
    await this.until(() => (node.state as string) === "gone", `the end of ${node.name}`, 90_000);
    await this.#launch();
  }
}
