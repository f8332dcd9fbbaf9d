import type { IncomingMessage } from "node:http";
import { badInput } from "../../wire.js";
import { isHopByHop } from "../hop-by-hop.js";
import type { ForwardFacts } from "../signature.js";
import { MAX_FRAME_BYTES } from "./frames.js";

// Heads of requests and answers, as JSON. They come from another node, and are unknown until they were looked at.

export type HeaderValue = string | string[];

export interface RequestHead {
  readonly method: string;
  readonly url: string;
  readonly headers: Record<string, HeaderValue>;
  readonly facts: ForwardFacts;
}

export interface ResponseHead {
  readonly status: number;
  readonly headers: readonly (readonly [name: string, value: HeaderValue])[];
}

const METHOD = /^[\w!#$%&'*+.^`|~-]{1,64}$/;

/** @returns nothing if it is too large for a link */
export function writeRequestHead(req: IncomingMessage, facts: ForwardFacts): Buffer | undefined {
  const headers: [name: string, value: HeaderValue][] = [];
  for (const name in req.headers) {
    const value = req.headers[name];
    if (value !== undefined && !name.startsWith(":") && !isHopByHop(name)) headers.push([name, value]);
  }
  const authority = req.headers[":authority"];
  if (req.headers.host === undefined && typeof authority === "string") headers.push(["host", authority]);
  const head = Buffer.from(
    JSON.stringify([req.method, req.url, headers, facts.address, facts.corsAnswer ?? null]),
  );
  return head.length > MAX_FRAME_BYTES ? undefined : head;
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readRequestHead(body: Buffer): RequestHead {
  const [method, url, headers, address, corsAnswer] = listFrom(body);
  if (typeof method !== "string" || !METHOD.test(method)) throw badInput("no method");
  if (typeof url !== "string" || typeof address !== "string") throw badInput("no request");
  const facts = { address, corsAnswer: typeof corsAnswer === "string" ? corsAnswer : undefined };
  return { method, url, headers: Object.fromEntries(headersOf(headers)), facts };
}

export function writeResponseHead({ status, headers }: ResponseHead): Buffer {
  return Buffer.from(JSON.stringify([status, headers.filter(([name]) => !isHopByHop(name.toLowerCase()))]));
}

/** @throws ClusterError `ERR_CLUSTER_INPUT` */
export function readResponseHead(body: Buffer): ResponseHead {
  const [status, headers] = listFrom(body);
  if (!Number.isInteger(status) || (status as number) < 200 || (status as number) > 599)
    throw badInput("no status");
  const known = headersOf(headers).filter(([name]) => !isHopByHop(name.toLowerCase()));
  return { status: status as number, headers: known };
}

function listFrom(body: Buffer): readonly unknown[] {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch (error) {
    throw badInput("no JSON", error);
  }
  if (!Array.isArray(value)) throw badInput("no head");
  return value;
}

function headersOf(value: unknown): [string, HeaderValue][] {
  if (!Array.isArray(value) || !value.every(isHeader)) throw badInput("no headers");
  return value;
}

function isHeader(entry: unknown): entry is [string, HeaderValue] {
  if (!Array.isArray(entry) || entry.length !== 2) return false;
  const [name, value] = entry as unknown[];
  return (
    typeof name === "string" &&
    (typeof value === "string" || (Array.isArray(value) && value.every((each) => typeof each === "string")))
  );
}
