import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { usedBytes } from "../support/memory.js";
import { Random } from "./random.js";
import { Meter, shown, type Target } from "./target.js";

/** Processor time that one input may take, in milliseconds. */
const MAX_CPU_MS = 100;
/** A long one is played this often again: a compiler or a collection may have been at work. */
const RETRIES = 3;
/** Bytes that a run may leave behind. What is compiled and cached meanwhile takes some. */
const MAX_GROWTH = 16_000_000;

/** An input that once did harm, or is close to it. */
export interface Vector {
  readonly name: string;
  /** The case that made it: `npm run fuzz -- --target NAME --seed SEED` begins with it. */
  readonly seed?: number;
  readonly input: unknown;
}

export interface Budget {
  /** Of the first case; the next one has the next. */
  readonly seed: number;
  /** Is the run over? */
  isSpent(cases: number): boolean;
  /** Told of what is found, before the run fails. */
  keep(vector: Vector): void;
}

/** Plays cases until the budget is spent or something is found. Returns how many. */
export async function fuzz(target: Target, { seed, isSpent, keep }: Budget): Promise<number> {
  await target.begin?.();
  try {
    let cases = 0;
    // What the first cases leave behind is there for good: compiled code, caches.
    let heap = 0;
    for (; !isSpent(cases); cases++) {
      const own = (seed + cases) >>> 0;
      const input = target.generate(new Random(own));
      try {
        await play(target, input);
      } catch (error) {
        keep({ name: messageOf(error).slice(0, 200), seed: own, input });
        throw new Error(`${target.name}, seed ${own}: ${messageOf(error)}\ninput: ${shown(input)}`, {
          cause: error,
        });
      }
      if (cases === 500) heap = await usedBytes();
    }
    if (heap > 0) checkGrowth(target, (await usedBytes()) - heap, `seeds ${seed} to ${seed + cases}`);
    return cases;
  } finally {
    await target.end?.();
  }
}

/** One input. Throws what the target throws, what nobody caught meanwhile, and for the time that it takes. */
export async function play(target: Target, input: unknown): Promise<void> {
  const stray: unknown[] = [];
  const note = (error: unknown): void => void stray.push(error);
  process.on("uncaughtException", note);
  process.on("unhandledRejection", note);
  try {
    for (let retry = 0; ; retry++) {
      const meter = new Meter();
      const running = target.run(input, meter);
      if (running !== undefined) await running;
      if (meter.longest <= MAX_CPU_MS) break;
      if (retry === RETRIES) throw new Error(`takes ${Math.round(meter.longest)} ms of the processor`);
    }
    if (stray.length > 0) throw stray[0];
  } finally {
    process.off("uncaughtException", note);
    process.off("unhandledRejection", note);
  }
}

/** The vectors of a target, which grow by what is found. */
export function vectorsOf(target: Target): readonly Vector[] {
  const file = fileOf(target);
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Vector[]) : [];
}

/** Writes it behind the others. */
export function addVector(target: Target, vector: Vector): void {
  const vectors = [...vectorsOf(target), vector];
  writeFileSync(fileOf(target), `${JSON.stringify(vectors, undefined, 1)}\n`);
}

function fileOf({ name }: Target): URL {
  return new URL(`./vectors/${name}.json`, import.meta.url);
}

function messageOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}

function checkGrowth(target: Target, bytes: number, where: string): void {
  if (bytes > MAX_GROWTH) throw new Error(`${target.name}: ${bytes} bytes are left behind by ${where}`);
}
