import type { Adapter } from "@sockeye/adapter";
import { ownText } from "@sockeye/engine/server";
import type { AdapterNamespace } from "@sockeye/protocol";
import { CORE } from "@sockeye/protocol";
import type { ErrorBoundary } from "@sockeye/socket";
import { dispatch } from "@sockeye/socket";
import type { Joinable } from "./admission.js";
import type { ForeignAdapter } from "./foreign-adapter.js";
import type { Handshake } from "./handshake.js";
import type { NamespaceMatcher } from "./matchers.js";
import { Matchers } from "./matchers.js";
import type { NamespaceServer } from "./namespace.js";
import { Namespace } from "./namespace.js";
import type { AdapterConstructor } from "./options.js";
import { ParentNamespace } from "./parent-namespace.js";

/** What {@link Namespaces} need of the server. */
export interface NamespacesHost extends ErrorBoundary {
  /** The server, as namespaces show it to the app. */
  readonly handle: NamespaceServer;
  /** Are dynamic namespaces deleted once they are empty? */
  readonly deletesEmpty: boolean;
}

/** The namespaces of a server by name, and the rules by which more are made when a client asks for them. */
export class Namespaces {
  readonly byName: Map<string, Namespace> = new Map();
  readonly #host: NamespacesHost;
  readonly #matchers: Matchers<ParentNamespace>;

  constructor(host: NamespacesHost) {
    this.#host = host;
    this.#matchers = new Matchers((error) => host.reportError(error, "of"));
  }

  /** A namespace, made if there is none; or a template. @throws UsageError `ERR_BAD_OPTION` */
  of(name: string | RegExp | NamespaceMatcher): Namespace {
    if (typeof name === "function" || typeof (name as RegExp | undefined)?.test === "function")
      return this.#template(name as RegExp | NamespaceMatcher);
    // As in Socket.IO, what is no name becomes one.
    return this.#named(String(name));
  }

  /** The namespace that a client asks for. @see ConnectionHost.route */
  route(name: string, auth: Handshake["auth"]): Joinable | undefined | Promise<() => Joinable | undefined> {
    const known = this.byName.get(name);
    if (known) return known[CORE];
    const parent = this.#matchers.find(name, auth);
    if (parent instanceof Promise)
      return parent.then((found) => () => found && this.#child(found, name)[CORE]);
    return parent && this.#child(parent, name)[CORE];
  }

  /** The name, as a text that keeps no packet alive. */
  ownName(name: string): string {
    return this.byName.get(name)?.name ?? ownText(name);
  }

  #named(given: string): Namespace {
    const name = given.startsWith("/") ? given : `/${given}`;
    const known = this.byName.get(name);
    if (known) return known;
    const parent = this.#matchers.byName(name);
    return parent ? this.#child(parent, name) : this.#register(new Namespace(this.#host.handle, name));
  }

  #template(matcher: RegExp | NamespaceMatcher): ParentNamespace {
    const parent: ParentNamespace = new ParentNamespace(this.#host.handle);
    this.#matchers.add(matcher, parent);
    return parent;
  }

  #child(parent: ParentNamespace, name: string): Namespace {
    // Two clients may have asked at the same time.
    const known = this.byName.get(name);
    if (known) return known;
    const child = parent.createChild(name, (emptied) => {
      if (!this.#host.deletesEmpty || this.byName.get(name) !== emptied) return;
      this.byName.delete(name);
      parent.children.delete(emptied);
      emptied[CORE].shutDown().catch((error: unknown) => this.#host.reportError(error, "adapter"));
    });
    return this.#register(child);
  }

  #register(namespace: Namespace): Namespace {
    this.byName.set(namespace.name, namespace);
    namespace[CORE].begin();
    const main = this.byName.get("/");
    if (main && main !== namespace) dispatch(main, "new_namespace", [namespace]);
    return namespace;
  }
}

/** Adapters are given as classes, or as functions that make one, arrow functions included. */
export function makeAdapter(make: AdapterConstructor, nsp: AdapterNamespace): Adapter | ForeignAdapter {
  return isAdapterClass(make) ? new make(nsp) : make(nsp);
}

function isAdapterClass(
  make: AdapterConstructor,
): make is new (
  nsp: AdapterNamespace,
) => Adapter | ForeignAdapter {
  return typeof (make.prototype as { broadcast?: unknown } | undefined)?.broadcast === "function";
}
