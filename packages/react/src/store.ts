import { startTimer, stopTimer } from "@sockeye/protocol";

/**
 * Ms that something runs on after its last watcher. StrictMode, Fast Refresh and a change of page drop what they take again at
 * once.
 */
export const GRACE_MS = 250;

/** A value that others watch. It is alive from the first watcher until {@link GRACE_MS} after the last one. */
export interface Store<T> {
  value: T;
  /** What is shown where nothing is alive: while the page is rendered on a server, and until it is hydrated. */
  readonly initial: T;
  set(value: T): void;
  /** Keeps it alive. @returns what ends that */
  watch(tell?: () => void): () => void;
  /** Is it alive though nobody watches? */
  isLeft(): boolean;
  /** Ends its life. It starts over with the next watcher. */
  end(): void;
}

/** @param start begins a life, sets the value as it changes, and gives what ends that life, if there is one */
export function makeStore<T>(initial: T, start: () => (() => void) | undefined): Store<T> {
  const watchers = new Set<() => void>();
  let stop: (() => void) | undefined;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const store: Store<T> = {
    value: initial,
    initial,
    set(value) {
      store.value = value;
      for (const tell of watchers) tell();
    },
    watch(tell) {
      const watcher = (): void => tell?.();
      watchers.add(watcher);
      stopTimer(timer);
      stop ??= start();
      return () => {
        if (watchers.delete(watcher) && watchers.size === 0) timer = startTimer(store.end, GRACE_MS);
      };
    },
    isLeft: () => stop !== undefined && watchers.size === 0,
    end() {
      stopTimer(timer);
      stop?.();
      stop = undefined;
      store.value = initial;
    },
  };
  return store;
}
