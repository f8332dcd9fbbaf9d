import { root } from "./root.js";

type Settle = (value?: unknown) => void;
type Handler = ((value: unknown) => unknown) | null | undefined;
type Executor = (resolve: Settle, reject: Settle) => void;

/** `Promise`, as far as the client and its users need it: `then`, `catch`, `finally`, `resolve`, `reject`, `all`. */
export class LegacyPromise {
  #state: "pending" | "resolved" | "rejected" = "pending";
  #value: unknown;
  #waiting: (() => void)[] = [];

  constructor(executor: Executor) {
    this.#run(executor);
  }

  static resolve(value?: unknown): LegacyPromise {
    return value instanceof LegacyPromise ? value : new LegacyPromise((resolve) => resolve(value));
  }

  static reject(reason?: unknown): LegacyPromise {
    return new LegacyPromise((_, reject) => reject(reason));
  }

  static all(items: readonly unknown[]): LegacyPromise {
    return new LegacyPromise((resolve, reject) => {
      const values: unknown[] = [];
      let missing = items.length;
      if (missing === 0) resolve(values);
      items.forEach((item, i) => {
        LegacyPromise.resolve(item).then((value) => {
          values[i] = value;
          missing--;
          if (missing === 0) resolve(values);
        }, reject);
      });
    });
  }

  // biome-ignore lint/suspicious/noThenProperty: this is what a promise is
  then(resolved?: Handler, rejected?: Handler): LegacyPromise {
    return new LegacyPromise((resolve, reject) => {
      const settle = (): void => {
        setTimeout(() => {
          const failed = this.#state === "rejected";
          const handler = failed ? rejected : resolved;
          if (typeof handler !== "function") {
            (failed ? reject : resolve)(this.#value);
            return;
          }
          try {
            resolve(handler(this.#value));
          } catch (error) {
            reject(error);
          }
        }, 0);
      };
      if (this.#state === "pending") this.#waiting.push(settle);
      else settle();
    });
  }

  catch(rejected: Handler): LegacyPromise {
    return this.then(undefined, rejected);
  }

  finally(call: () => unknown): LegacyPromise {
    return this.then(
      (value) => LegacyPromise.resolve(call()).then(() => value),
      (reason) =>
        LegacyPromise.resolve(call()).then(() => {
          throw reason;
        }),
    );
  }

  /** Runs what may call either function, of which the first call counts. */
  #run(executor: Executor): void {
    let called = false;
    const once = (settle: Settle): Settle => {
      return (value) => {
        if (called) return;
        called = true;
        settle(value);
      };
    };
    const reject = once((reason) => this.#settle("rejected", reason));
    try {
      executor(
        once((value) => this.#resolve(value)),
        reject,
      );
    } catch (error) {
      reject(error);
    }
  }

  #resolve(value: unknown): void {
    if (value === this) {
      this.#settle("rejected", new TypeError("a promise cannot wait for itself"));
      return;
    }
    if (typeof value !== "function" && (typeof value !== "object" || value === null)) {
      this.#settle("resolved", value);
      return;
    }
    this.#run((resolve, reject) => {
      const { then } = value as { then?: unknown };
      if (typeof then === "function") then.call(value, resolve, reject);
      else this.#settle("resolved", value);
    });
  }

  #settle(state: "resolved" | "rejected", value: unknown): void {
    this.#state = state;
    this.#value = value;
    const waiting = this.#waiting;
    this.#waiting = [];
    waiting.forEach((settle) => {
      settle();
    });
  }
}

export const LegacyOrNativePromise: PromiseConstructor =
  root.Promise || (LegacyPromise as unknown as PromiseConstructor);
