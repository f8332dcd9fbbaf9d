import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { pathToFileURL } from "node:url";

// What an editor shows: TypeScript's own language server, asked as an editor asks it.

interface Answer {
  readonly id?: number;
  readonly method?: string;
  readonly result?: unknown;
  readonly error?: { readonly message: string };
}

interface Item {
  readonly label: string;
  readonly kind?: number;
}

const require = createRequire(import.meta.url);
const TYPESCRIPT = require.resolve("typescript/package.json");
const { bin } = JSON.parse(readFileSync(TYPESCRIPT, "utf8")) as { bin: { tsc: string } };

export class LanguageServer {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #received: Buffer = Buffer.alloc(0);
  #ids = 0;

  constructor(folder: string) {
    const tsc = join(dirname(TYPESCRIPT), bin.tsc);
    this.#process = spawn(process.execPath, [tsc, "--lsp", "--stdio"], {
      cwd: folder,
      stdio: ["pipe", "pipe", "ignore"],
    });
    this.#process.stdout?.on("data", (chunk: Buffer) => this.#read(chunk));
  }

  async start(folder: string): Promise<void> {
    const rootUri = pathToFileURL(folder).href;
    await this.#ask("initialize", {
      processId: process.pid,
      rootUri,
      workspaceFolders: [{ uri: rootUri, name: "editor" }],
      capabilities: {
        textDocument: {
          hover: { contentFormat: ["markdown"] },
          completion: { completionItem: { snippetSupport: false } },
        },
      },
    });
    this.#tell("initialized", {});
  }

  open(path: string, text: string): void {
    const uri = pathToFileURL(path).href;
    this.#tell("textDocument/didOpen", { textDocument: { uri, languageId: "typescript", version: 1, text } });
  }

  /** What is offered behind a place. */
  async offered(path: string, position: Position): Promise<Item[]> {
    const where = { textDocument: { uri: pathToFileURL(path).href }, position };
    const result = await this.#ask("textDocument/completion", where);
    return Array.isArray(result) ? (result as Item[]) : ((result as { items?: Item[] } | null)?.items ?? []);
  }

  /** What is shown for the word at a place, as text. */
  async hover(path: string, position: Position): Promise<string> {
    const where = { textDocument: { uri: pathToFileURL(path).href }, position };
    const result = (await this.#ask("textDocument/hover", where)) as { contents?: unknown } | null;
    const { contents } = result ?? {};
    return typeof contents === "string"
      ? contents
      : ((contents as { value?: string } | undefined)?.value ?? "");
  }

  stop(): void {
    this.#process.kill();
  }

  #ask(method: string, params: unknown): Promise<unknown> {
    const id = ++this.#ids;
    this.#send({ id, method, params });
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, ({ result, error }) =>
        error ? reject(new Error(error.message)) : resolve(result),
      );
    });
  }

  #tell(method: string, params: unknown): void {
    this.#send({ method, params });
  }

  #send(message: object): void {
    const body = JSON.stringify({ jsonrpc: "2.0", ...message });
    this.#process.stdin?.write(`Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  }

  #read(chunk: Buffer): void {
    this.#received = Buffer.concat([this.#received, chunk]);
    for (;;) {
      const end = this.#received.indexOf("\r\n\r\n");
      const length = Number(/Content-Length: (\d+)/i.exec(this.#received.subarray(0, end).toString())?.[1]);
      if (end < 0 || this.#received.length < end + 4 + length) return;
      const body = this.#received.subarray(end + 4, end + 4 + length).toString();
      this.#received = this.#received.subarray(end + 4 + length);
      const answer = JSON.parse(body) as Answer;
      if (answer.method !== undefined) {
        // A question of the server's: this editor has no settings.
        if (answer.id !== undefined) this.#send({ id: answer.id, result: null });
      } else if (answer.id !== undefined) {
        this.#waiting.get(answer.id)?.(answer);
        this.#waiting.delete(answer.id);
      }
    }
  }
}

export interface Position {
  readonly line: number;
  readonly character: number;
}
