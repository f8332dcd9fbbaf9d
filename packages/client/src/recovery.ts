/** Lengths of the secrets: Socket.IO's, and what of Sockeye's names the run of the server. */
const STOCK_PID_LENGTH = 20;
const EPOCH_LENGTH = 8;

/** What a socket must know for a server that can bridge an interruption. */
export class Recovery {
  /** The server's private id of the socket. */
  readonly pid: string;
  /** The position of the last event that arrived. */
  #offset: string | undefined;

  constructor(pid: string) {
    this.pid = pid;
  }

  /** What the next CONNECT has to say. */
  get claim(): { readonly pid: string; readonly offset: string | undefined } {
    return { pid: this.pid, offset: this.#offset };
  }

  /**
   * Notes the position of an event, which the server puts behind its arguments. Sockeye's begins with the first 8 characters
   * of the longer secret, so it is known for sure and not shown to the app; with Socket.IO any text in that place is taken
   * for one.
   *
   * @returns the event as the app is to see it
   */
  shown(event: readonly unknown[]): readonly unknown[] {
    const last = event[event.length - 1];
    if (event.length < 2 || typeof last !== "string") return event;
    const isOwn = this.pid.length > STOCK_PID_LENGTH;
    if (isOwn && !last.startsWith(`${this.pid.slice(0, EPOCH_LENGTH)}.`)) return event;
    this.#offset = last;
    return isOwn ? event.slice(0, -1) : event;
  }
}
