/** Whether a request comes for the first time. `next`: yes, and in its turn. */
export type Turn = "next" | "again" | "earlier" | "wrong";

/**
 * The numbers of the GETs and POSTs of one transport of a session that is counted: proxies and browsers may send a request
 * twice, and one of a transport that was lost may come late.
 *
 * @see PROTOCOL.md, "Numbered requests"
 */
export class RequestNumbers {
  /** How the session came to this transport. */
  readonly begun: "handshake" | "claim";
  readonly #after: number;
  #gets: number;
  #posts: number;

  /** @param after the numbers up to here belong to the transports before */
  constructor(begun: "handshake" | "claim", after = 0) {
    this.begun = begun;
    this.#after = after;
    this.#gets = after;
    this.#posts = after;
  }

  /** Takes the next. */
  get(number: number | undefined): Exclude<Turn, "again"> {
    if (number === this.#gets + 1) {
      this.#gets++;
      return "next";
    }
    return this.#isEarlier(number) ? "earlier" : "wrong";
  }

  /** `again`: the last that {@link postRead} was told of. */
  post(number: number | undefined): Turn {
    if (number === this.#posts + 1) return "next";
    if (this.#isEarlier(number)) return "earlier";
    return number === this.#posts ? "again" : "wrong";
  }

  /** A POST was read to its end. */
  postRead(): void {
    this.#posts++;
  }

  #isEarlier(number: number | undefined): boolean {
    return number !== undefined && number <= this.#after;
  }
}
