import { type Loop, Turns } from "../../../packages/transport/src/server/turns/turns.js";
import { FrameReader } from "../../../packages/transport/src/server/websocket/frame-reader.js";
import { cutAt, cutsOf, mutateBytes } from "../mutate.js";
import { check, type Meter, type Target, target } from "../target.js";
import { extension, Log, MAX_BYTES, message, same, type WireInput } from "./websocket.js";

/** One turn's time as it comes in and one for what waits, and a step of each beyond that. */
const MOST_MS = 2 * (5 + 16);

interface TurnsInput extends WireInput {
  /** What a message costs, in ms. */
  readonly cost: number;
}

/** The event loop of a server, whose time is made up: only messages take any. */
class MadeUpLoop implements Loop {
  ms = 0;
  readonly #deferred: (() => void)[] = [];

  now(): number {
    return this.ms;
  }

  defer(callback: () => void): void {
    this.#deferred.push(callback);
  }

  endTurn(): void {
    for (const callback of this.#deferred.splice(0)) callback();
  }
}

/** A {@link Log} whose messages take time. */
class SlowLog extends Log {
  constructor(
    readonly loop: MadeUpLoop,
    readonly cost: number,
  ) {
    super();
  }

  override text(told: string): void {
    super.text(told);
    this.loop.ms += this.cost;
  }

  override binary(bytes: Buffer): void {
    super.binary(bytes);
    this.loop.ms += this.cost;
  }
}

/** Batches of frames, compressed or not: what is read over many turns is what is read at once, and no turn takes long. */
export const turns: Target = target<TurnsInput>({
  name: "turns",
  cases: 600,
  generate: (random) => {
    const deflate = random.chance(0.6);
    const frames = random.list(1 + random.below(4), () => message(random, deflate)).flat();
    const valid = Buffer.concat(random.list(1 + random.below(40), () => random.pick(frames)));
    const bytes = random.chance(0.8) ? valid : mutateBytes(random, valid);
    const cost = random.pick([0, 0.01, 0.3, 1]);
    return { bytes: bytes.toString("base64"), cuts: cutsOf(random, bytes.length), deflate, cost };
  },
  run: async ({ bytes, cuts, deflate, cost }, meter) => {
    const whole = Buffer.from(bytes, "base64");
    const agreed = deflate ? extension.negotiate("permessage-deflate") : undefined;
    const inflater = typeof agreed === "object" ? agreed.inflater : undefined;
    const atOnce = new Log();
    const eager = new FrameReader(atOnce, MAX_BYTES, inflater);
    eager.read(Buffer.from(whole));
    while (eager.waits) await new Promise((resolve) => setImmediate(resolve));
    const inTurns = await readInTurns(cutAt(whole, cuts), { inflater, cost, meter });
    check(same(atOnce.told, inTurns), "turns say something else than all at once", () => [
      atOnce.told,
      inTurns,
    ]);
  },
});

async function readInTurns(
  chunks: readonly Buffer[],
  { inflater, cost, meter }: Pick<TurnsInput, "cost"> & { inflater: Inflater; meter: Meter },
): Promise<string[]> {
  const loop = new MadeUpLoop();
  const log = new SlowLog(loop, cost);
  const reader = new FrameReader(log, MAX_BYTES, inflater, new Turns(loop));
  const left = [...chunks];
  while (left.length > 0 || reader.waits) {
    const since = loop.ms;
    const chunk = left.shift();
    if (chunk !== undefined) meter.time(() => reader.read(Buffer.from(chunk)));
    loop.endTurn();
    check(loop.ms - since <= MOST_MS, "a turn takes too long", () => loop.ms - since);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return log.told;
}

type Inflater = ConstructorParameters<typeof FrameReader>[2];
