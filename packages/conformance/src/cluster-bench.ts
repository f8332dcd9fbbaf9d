import type { Clock } from "@sockeye/protocol";
import type { BusBench } from "./bus.js";
import type { ClusterNode } from "./cluster-node.js";

/** An engine under whole nodes. */
export interface ClusterBench extends BusBench {
  readonly clock: Clock;
}

/** Waits for a promise while the bench moves the time. */
export async function settled<T>({ until }: ClusterBench, promise: PromiseLike<T> | T): Promise<T> {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  Promise.resolve(promise).then(done, done);
  await until(() => isDone, "a promise to settle");
  return promise;
}

export type Begin = (names: readonly string[]) => Promise<ClusterNode[]>;
export type Body = (begin: Begin, bench: ClusterBench) => Promise<void>;
export type Define = (title: string, body: Body) => void;
