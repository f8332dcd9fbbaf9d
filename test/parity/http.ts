import { type IncomingHttpHeaders, request } from "node:http";
import { WebSocket } from "ws";
import { within } from "../support/wait.js";
import type { Site } from "./scene.js";

// HTTP as it is on the wire: nothing is unpacked, no header hidden.

export interface Reply {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
}

interface Ask {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}

export function ask(url: string, { method = "GET", headers = {}, body }: Ask = {}): Promise<Reply> {
  const reply = new Promise<Reply>((resolve, reject) => {
    const req = request(url, { method, headers, agent: false }, (res) => {
      const chunks: Buffer[] = [];
      res.on("data", (chunk: Buffer) => chunks.push(chunk));
      res.on("error", reject);
      res.on("end", () => {
        const all = Buffer.concat(chunks);
        resolve({ status: res.statusCode ?? 0, headers: res.headers, body: all, text: all.toString() });
      });
    });
    req.on("error", reject);
    req.end(body);
  });
  return within(reply, `an answer of ${url}`);
}

/** The URL of polling requests. */
export function pollingUrl(site: Pick<Site, "url">, sid?: string): string {
  return `${site.url}/socket.io/?EIO=4&transport=polling${sid ? `&sid=${sid}` : ""}`;
}

/** A polling session that has joined the main namespace, without its answer. */
export async function polled(site: Site): Promise<string> {
  const { text } = await ask(pollingUrl(site));
  const { sid } = JSON.parse(text.slice(1)) as { sid: string };
  await ask(pollingUrl(site, sid), { method: "POST", body: "40" });
  await ask(pollingUrl(site, sid));
  return sid;
}

/** A WebSocket that is open, or the status with which it was refused. */
export function websocket(
  url: string,
  options: ConstructorParameters<typeof WebSocket>[2] = {},
): Promise<WebSocket | number> {
  const ws = new WebSocket(`${url.replace(/^http/, "ws")}/socket.io/?EIO=4&transport=websocket`, options);
  const settled = new Promise<WebSocket | number>((resolve, reject) => {
    ws.once("open", () => resolve(ws));
    ws.once("unexpected-response", (_req, res) => {
      res.destroy();
      resolve(res.statusCode ?? 0);
    });
    ws.once("error", reject);
  });
  return within(settled, "the WebSocket to open or to be refused");
}
