import { OWN_EVENTS } from "@sockeye/protocol";
import type { FileClaim } from "./upload-types.js";

/** How a stream is asked for. */
export interface OpenRequest {
  readonly name: string;
  readonly input: unknown;
  /** The input, and of an upload the file, as they came. */
  readonly raw: readonly unknown[];
  readonly id: string | undefined;
  /** The last item that the client has. */
  readonly after: number;
  readonly items: number;
  readonly bytes: number;
  /** Of an upload: the client sends the items, which are bytes. */
  readonly file: FileClaim | undefined;
}

const FRAMES: ReadonlySet<unknown> = new Set([
  OWN_EVENTS.open,
  OWN_EVENTS.item,
  OWN_EVENTS.end,
  OWN_EVENTS.taken,
  OWN_EVENTS.stop,
  OWN_EVENTS.detach,
]);

/** Is it a frame of a stream, from a client? */
export function isStreamFrame(name: unknown): boolean {
  return FRAMES.has(name);
}

const MOST_CHARACTERS = 128;

/** Numbers of streams and items: positive integers. */
export function isNumber(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

/** Reads the argument of `sockeye:open`. @returns nothing if it makes no sense */
export function readOpen(
  value: unknown,
  { items: mostItems, bytes: mostBytes }: { readonly items: number; readonly bytes: number },
): OpenRequest | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const {
    name,
    input,
    id,
    after = 0,
    items = mostItems,
    bytes = mostBytes,
    file,
  } = value as Readonly<Record<string, unknown>>;
  if (typeof name !== "string" || !isNumber(items) || !isNumber(bytes)) return undefined;
  if (after !== 0 && !isNumber(after)) return undefined;
  if (id !== undefined && (typeof id !== "string" || id.length === 0 || id.length > MOST_CHARACTERS))
    return undefined;
  const claim = file === undefined ? undefined : readFile(file);
  if (file !== undefined && (claim === undefined || after !== 0)) return undefined;
  return {
    name,
    input,
    raw: claim ? [input, claim] : [input],
    id,
    after,
    items: Math.min(items, mostItems),
    bytes: Math.min(bytes, mostBytes),
    file: claim,
  };
}

/** Of names and types of files. */
const MOST_OF_A_LABEL = 1024;

function readFile(value: unknown): FileClaim | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  const { name, type, size } = value as Readonly<Record<string, unknown>>;
  const isLabel = (text: unknown): text is string | undefined =>
    text === undefined || (typeof text === "string" && text.length <= MOST_OF_A_LABEL);
  const isSize = (count: unknown): count is number | undefined =>
    count === undefined || count === 0 || isNumber(count);
  return isLabel(name) && isLabel(type) && isSize(size) ? { name, type, size } : undefined;
}
