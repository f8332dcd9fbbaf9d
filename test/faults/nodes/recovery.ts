// Nodes with connection state recovery over a bus that keeps a log. They are killed, stopped and frozen, the engine is restarted with and without what it
// kept, and clients come back wherever the balancer leads them. What nodes say goes through the log: nothing of it may be missing, come twice or
// out of order in a conversation, and nobody may be told `recovered` who has missed something.
import { fileURLToPath } from "node:url";
import type { Socket } from "socket.io-client";
import { type ClientName, loadClient, optionsFor, type Way } from "../../support/servers.js";
import { stream } from "../plan.js";
import { Fleet, type FleetNode, type FleetSetup } from "./fleet.js";
import { type Gap, Heard, untold } from "./recovery-check.js";

export interface RecoverySetup extends FleetSetup {
  readonly clients: number;
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
  readonly violations: string[] = [];
  readonly fleet: Fleet;
  readonly #gaps: Gap[] = [];
  readonly #clients: Client[] = [];
  #restMs = 0;

  constructor(setup: RecoverySetup) {
    this.#setup = setup;
    this.fleet = new Fleet(setup, {
      program: NODE,
      random: stream(setup.seed, 0, 0, 30),
      told: (node, message) => this.#told(node, message),
    });
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
    await this.#enter(`http://127.0.0.1:${await this.fleet.start()}`);
    await this.fleet.suffer();
    await this.#rest();
    for (const { heard } of this.#clients) {
      this.violations.push(...heard.violations);
      this.violations.push(...untold(heard.holes, this.#gaps));
    }
  }

  /** Whatever has become of it. */
  async end(): Promise<void> {
    for (const { socket } of this.#clients) socket.disconnect();
    await this.fleet.end();
  }

  #told(node: FleetNode, { gap, violation, error, client, up }: Readonly<Record<string, unknown>>): void {
    if (typeof gap === "number") this.#gaps.push({ node: node.name, at: gap });
    if (violation !== undefined) this.violations.push(String(violation));
    if (error !== undefined) this.violations.push(`${node.name} failed: ${String(error)}`);
    if (typeof client === "number" && typeof up === "number") {
      const handled = this.#clients[client]?.handled;
      handled?.set(up, (handled.get(up) ?? 0) + 1);
    }
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
      this.fleet.every(100, () => {
        // With retries what is said while it is away is said later.
        if (retries || socket.connected) socket.emit("up", client.sent++);
      });
    }
    await this.fleet.until(
      () => this.#clients.every(({ socket }) => socket.connected),
      "the clients",
      REST_MS,
    );
  }

  /** Everybody is back, all nodes count each client once, and what clients that retry have said was handled. */
  async #rest(): Promise<void> {
    const { clients } = this.#setup;
    const { fleet } = this;
    await fleet.until(
      () => this.#clients.every(({ socket }) => socket.connected),
      "all clients to be there",
      REST_MS,
    );
    const began = Date.now();
    let counts: unknown[] = [];
    const areAllCounted = async (): Promise<boolean> => {
      counts = await Promise.all(fleet.live().map((node) => fleet.ask(node, { count: true })));
      return counts.every((count) => count === clients);
    };
    await fleet
      .until(areAllCounted, "the end of all ghosts", REST_MS)
      .catch((error: unknown) => this.violations.push(`${error}: ${counts}`));
    this.#restMs = Date.now() - began;
    fleet.hush();
    const open = (): Client[] =>
      this.#clients.filter(({ retries, sent, handled }) => retries && handled.size < sent);
    await fleet
      .until(() => open().length === 0, "what clients have said", REST_MS)
      .catch(() => {
        for (const { heard, sent, handled } of open())
          this.violations.push(`${sent - handled.size} events of ${heard.label} were never handled`);
      });
  }
}

export async function playRecovery(setup: RecoverySetup): Promise<RecoveryOutcome> {
  const trial = new Trial(setup);
  try {
    await trial.run();
  } finally {
    await trial.end();
  }
  const { violations, totals, fleet } = trial;
  return { violations, strokes: fleet.strokes, totals };
}
