import type { Unchecked } from "@sockeye/socket";
import type { CallState } from "./hook-types.js";
import type { Link } from "./link.js";
import { makeStore, type Store } from "./store.js";

/** State of the latest call of a component. */
export type CallView = Omit<CallState<unknown, unknown>, "call">;

export interface CallStore extends Store<CallView> {
  call(...args: readonly unknown[]): Promise<Unchecked>;
}

export function makeCaller(link: Link, name: string): CallStore {
  let latest: object | undefined;
  const store = makeStore<CallView>({ pending: false }, () => undefined);
  return Object.assign(store, {
    call(...args: readonly unknown[]) {
      const asked = link.socket().call(name, ...args);
      latest = asked;
      const done = (change: Omit<CallView, "pending">): void => {
        if (latest === asked) store.set({ ...store.value, ...change, pending: false });
      };
      store.set({ pending: true, answer: store.value.answer });
      asked.then(
        (answer: unknown) => done({ answer }),
        (error: unknown) => done({ error }),
      );
      return asked;
    },
  });
}
