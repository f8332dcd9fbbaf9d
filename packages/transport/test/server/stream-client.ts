import { Agent, type ClientRequest, type IncomingMessage, request } from "node:http";
import { vi } from "vitest";

/** A long response, read while it arrives. */
export interface OpenStream {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  /** All that has come, as latin1. */
  readonly body: string;
  /** `whole`: it came to its end; `broken`: it did not. */
  readonly state: "open" | "whole" | "broken";
  /** Waits until the body contains the text. */
  until(text: string): Promise<void>;
  ended(): Promise<string>;
  /** Reads no more. */
  pause(): void;
  abort(): void;
}

/** Resolves with the head of the response. */
export function openStream(
  port: number,
  target: string,
  headers: Record<string, string> = {},
): Promise<OpenStream> {
  return new Promise((resolve, reject) => {
    const agent = new Agent({ keepAlive: false });
    const req = request({ port, host: "127.0.0.1", path: target, headers, agent }, (res) =>
      resolve(new Reader(req, res)),
    );
    req.on("error", reject);
    req.end();
  });
}

class Reader implements OpenStream {
  body = "";
  state: "open" | "whole" | "broken" = "open";

  constructor(
    readonly req: ClientRequest,
    readonly res: IncomingMessage,
  ) {
    res.setEncoding("latin1");
    res.on("data", (text: string) => {
      this.body += text;
    });
    res.on("end", () => {
      this.state = "whole";
    });
    res.on("error", () => {});
    res.on("close", () => {
      if (this.state === "open") this.state = "broken";
    });
  }
  get status(): number {
    return this.res.statusCode ?? 0;
  }
  get headers(): IncomingMessage["headers"] {
    return this.res.headers;
  }
  async until(text: string): Promise<void> {
    await vi.waitFor(() => {
      if (!this.body.includes(text)) throw new Error(`no ${text} in ${this.body.trim()} (${this.state})`);
    }, 4000);
  }
  async ended(): Promise<string> {
    await vi.waitFor(() => {
      if (this.state === "open") throw new Error(`still open after ${this.body.trim()}`);
    }, 4000);
    return this.body;
  }
  pause(): void {
    this.res.socket.pause();
  }
  abort(): void {
    this.req.destroy();
  }
}

/** The sid that a handshake's body tells, whatever is around it. */
export function sidOf(body: string): string {
  const found = /sid-\d+/.exec(body);
  if (found === null) throw new Error(`no sid in ${body.trim()}`);
  return found[0];
}
