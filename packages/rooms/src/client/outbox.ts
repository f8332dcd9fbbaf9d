import { OWN_EVENTS, UsageError } from "@sockeye/protocol";
import type { ExtensionHost } from "@sockeye/socket";
import { reasonOf } from "@sockeye/socket";
import { codeOf, isCut, send } from "./asking.js";
import { readText } from "./wire.js";

/** What the server has made of a publication. */
export interface Published {
  /** Where it stands in the room; `undefined` where nothing is kept. */
  readonly position: string | undefined;
  /** Had it been stored before, by an earlier try? */
  readonly repeated: boolean;
  /** Its name: what `onEvent` shows as `id`. */
  readonly id: string;
}

export interface Publication {
  readonly room: string;
  readonly event: string;
  readonly args: readonly unknown[];
  readonly id: string;
}

interface Entry {
  readonly publication: Publication;
  readonly signal: AbortSignal | undefined;
  resolve(published: Published): void;
  reject(error: unknown): void;
}

/** Publications that may wait for an answer. */
const MOST_WAITING = 1000;

/** Publications of one socket, each sent until it is answered, in order. */
export class Outbox {
  readonly #host: ExtensionHost;
  readonly #entries = new Set<Entry>();

  constructor(host: ExtensionHost) {
    this.#host = host;
  }

  publish(publication: Publication, signal: AbortSignal | undefined): Promise<Published> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) throw reasonOf(signal);
      if (this.#entries.size >= MOST_WAITING)
        throw new UsageError("ERR_OUTBOUND_FULL", `${MOST_WAITING} publications wait for an answer`);
      const entry: Entry = { publication, signal, resolve, reject };
      this.#entries.add(entry);
      signal?.addEventListener("abort", () => this.#settle(entry, () => reject(reasonOf(signal))));
      if (this.#host.connected) this.#send(entry);
    });
  }

  connected(): void {
    for (const entry of [...this.#entries]) this.#send(entry);
  }

  #send(entry: Entry): void {
    const { publication, signal } = entry;
    const { id } = publication;
    send(
      this.#host,
      OWN_EVENTS.publish,
      publication,
      (error, { position, repeated }) => {
        // It is sent again with the next connection.
        if (isCut(error)) return;
        if (codeOf(error) === "ERR_ACK_TIMEOUT") {
          if (this.#entries.has(entry) && this.#host.connected) this.#send(entry);
          return;
        }
        this.#settle(entry, () =>
          error
            ? entry.reject(error)
            : entry.resolve({ position: readText(position), repeated: repeated === true, id }),
        );
      },
      signal,
    );
  }

  #settle(entry: Entry, settle: () => void): void {
    if (this.#entries.delete(entry)) settle();
  }
}
