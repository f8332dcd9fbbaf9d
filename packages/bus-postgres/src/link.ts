import { randomBytes } from "node:crypto";
import { startTimer, stopTimer, UsageError } from "@sockeye/protocol";
import { Connection, type MakeClient, type Row, type Statement } from "./connection.js";
import type { Tables } from "./tables.js";

/** Until both connections work, and a bell was heard. */
const READY_MS = 5_000;
/** Through a pooler, which may lose it. */
const BELL_MS = 2_000;

export interface LinkTerms {
  readonly makeClient: MakeClient;
  readonly tables: Tables;
  notified(payload: string): void;
  /** Told once, and never after {@link Link.cut}. */
  lost(cause: unknown): void;
}

/** Two connections: one writes and is asked, the other listens and reads. If one is lost, both are. */
export class Link {
  readonly #terms: LinkTerms;
  readonly #asking: Connection;
  readonly #listening: Connection;
  #probe = "";
  #heardProbe: () => void = () => {};
  #isPooled = false;
  #isOver = false;

  constructor(terms: LinkTerms) {
    this.#terms = terms;
    const lost = (cause: unknown): void => {
      if (this.#isOver) return;
      this.cut();
      terms.lost(cause);
    };
    this.#asking = new Connection(terms.makeClient, { lost, notified: () => {} });
    this.#listening = new Connection(terms.makeClient, {
      lost,
      notified: (payload) => {
        if (payload === this.#probe) this.#heardProbe();
        else terms.notified(payload);
      },
    });
  }

  /** Resolves once both work and bells are heard. Rejects if they are not: then `lost` may have told already. */
  async open(): Promise<void> {
    await Promise.all([this.#asking.open(), this.#listening.open()]);
    await inTime(READY_MS, this.#prepare(), () => new Error("PostgreSQL has not answered in time"));
    await this.#hearBell();
  }

  /** To the connection that writes. */
  ask(statement: Statement): Promise<readonly Row[]> {
    return this.#asking.ask(statement);
  }

  /** To the one that listens. */
  read(statement: Statement): Promise<readonly Row[]> {
    return this.#listening.ask(statement);
  }

  cut(): void {
    this.#isOver = true;
    this.#asking.cut();
    this.#listening.cut();
  }

  async close(): Promise<void> {
    this.#isOver = true;
    await Promise.all([this.#asking.close(), this.#listening.close()]);
  }

  async #prepare(): Promise<void> {
    const { tables } = this.#terms;
    await this.#makeTables();
    // A position in the log is a promise, so what was confirmed must outlive a crash. Rows are few, and found by their keys.
    await this.#asking.ask({ text: "set synchronous_commit = on" });
    await this.#listening.ask({
      text: "set enable_hashjoin = off; set enable_mergejoin = off; set jit = off",
    });
    const [row] = await this.#listening.ask({ text: "select pg_backend_pid()" });
    this.#isPooled = row?.[0] !== `${this.#listening.processId}`;
    await this.#listening.ask({ text: `listen "${tables.channel}"` });
  }

  async #hearBell(): Promise<void> {
    this.#probe = `? ${randomBytes(9).toString("base64url")}`;
    const heard = new Promise<void>((resolve) => {
      this.#heardProbe = resolve;
    });
    const { channel } = this.#terms.tables;
    const rung = this.#asking.ask({ text: "select pg_notify($1, $2)", values: [channel, this.#probe] });
    // It may never come; what is lost meanwhile, the other tells.
    const both = Promise.all([rung, heard]);
    await inTime(this.#isPooled ? BELL_MS : READY_MS, both, () => this.#unheard());
  }

  async #makeTables(): Promise<void> {
    const { message, log, entry, writer, record, version, sql } = this.#terms.tables;
    const all = [message, log, entry, writer, record, version];
    const [row] = await this.#asking.ask({
      text: "select bool_and(to_regclass(name) is not null) from unnest($1::text[]) as name",
      values: [all],
    });
    if (row?.[0] === "t") return;
    try {
      // Nodes that begin at the same time make them one behind the other.
      await this.#asking.ask({ text: `select pg_advisory_xact_lock(7621534100);\n${sql}` });
    } catch (error) {
      if (!isRefusal(error)) throw error;
      const text =
        "The tables of the bus are missing, and its user may not make them. Run what tablesSql() returns as a user who may.";
      throw new UsageError("ERR_NOT_SUPPORTED", text, error);
    }
  }

  /** Why no bell was heard. A pooler gives connections numbers of its own. */
  #unheard(): Error {
    if (!this.#isPooled) return new Error("PostgreSQL has not rung the bell in time");
    return new UsageError(
      "ERR_NOT_SUPPORTED",
      "What PostgreSQL notifies does not arrive: there is a pooler between, such as PgBouncer, that gives the connection to others meanwhile. Give postgres() a Pool with the address of PostgreSQL itself.",
    );
  }
}

/** A schema that is not there, or where it may not. */
function isRefusal(error: unknown): boolean {
  return ["42501", "3F000"].includes(String((error as { code?: unknown }).code));
}

async function inTime(ms: number, act: Promise<unknown>, late: () => Error): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    timer = startTimer(() => reject(late()), ms);
  });
  try {
    await Promise.race([act, over]);
  } finally {
    stopTimer(timer);
  }
}
