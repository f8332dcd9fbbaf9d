import { UsageError } from "@sockeye/protocol";
import { isThenable } from "@sockeye/socket";
import type { Handshake } from "./handshake.js";

/** Decides whether a namespace of this name may be made for a client. */
export type NamespaceMatcher = (
  name: string,
  auth: Handshake["auth"],
  next: (error: Error | null, allow: boolean) => void,
) => unknown;

interface Rule<P> {
  readonly allows: (name: string, auth: Handshake["auth"]) => boolean | Promise<boolean>;
  /** Answers at once, and by the name alone. */
  readonly regex: RegExp | undefined;
  readonly parent: P;
}

/** The rules by which namespaces are made when a client asks for them, in order of addition. */
export class Matchers<P> {
  readonly #rules: Rule<P>[] = [];
  readonly #failed: (error: unknown) => void;

  /** @param failed told what the app's functions throw or reject with. Must not throw */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** @throws UsageError `ERR_BAD_OPTION` for a regular expression that remembers where it was */
  add(matcher: RegExp | NamespaceMatcher, parent: P): void {
    if (typeof matcher !== "function") {
      if (matcher.global || matcher.sticky) {
        throw new UsageError("ERR_BAD_OPTION", `io.of(${String(matcher)}): take off the flags "g" and "y".`);
      }
      this.#rules.push({ allows: (name) => matcher.test(name), regex: matcher, parent });
    } else {
      const allows: Rule<P>["allows"] = (name, auth) => this.#ask(matcher, name, auth);
      this.#rules.push({ allows, regex: undefined, parent });
    }
  }

  /** The parent whose regular expression matches. */
  byName(name: string): P | undefined {
    return this.#rules.find(({ regex }) => regex?.test(name))?.parent;
  }

  /** The first parent that allows it. A promise only if a function has to be waited for. */
  find(name: string, auth: Handshake["auth"], from = 0): P | undefined | Promise<P | undefined> {
    for (let at = from; at < this.#rules.length; at++) {
      const rule = this.#rules[at] as Rule<P>;
      const allowed = rule.allows(name, auth);
      if (typeof allowed !== "boolean") {
        return allowed.then((yes) => (yes ? rule.parent : this.find(name, auth, at + 1)));
      }
      if (allowed) return rule.parent;
    }
    return undefined;
  }

  /** An error, a throw, a rejection and a "no" are the same: the next rule is asked. */
  #ask(matcher: NamespaceMatcher, name: string, auth: Handshake["auth"]): Promise<boolean> {
    return new Promise((resolve) => {
      const fail = (error: unknown): void => {
        this.#failed(error);
        resolve(false);
      };
      try {
        const result = matcher(name, auth, (error, allow) => resolve(!error && allow === true));
        if (isThenable(result)) result.then(undefined, fail);
      } catch (error) {
        fail(error);
      }
    });
  }
}
