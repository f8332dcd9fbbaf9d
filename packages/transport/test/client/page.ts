import { vi } from "vitest";
import type { Target } from "../../src/client/target.js";

/** An element of {@link FakePage}, as far as the transports look at it. */
export interface FakeElement {
  readonly tag: string;
  readonly style: Record<string, string>;
  readonly children: FakeElement[];
  readonly contentWindow: { location: { href: string } };
  parentNode: FakeElement | null;
  src?: string;
  action?: string;
  value?: string;
  onload?: ((event?: unknown) => void) | null;
  onerror?: ((event: unknown) => void) | null;
  appendChild(child: FakeElement): void;
  removeChild(child: FakeElement): void;
  submit(): void;
}

/** A page with as much of a document as the transports of old browsers need. Its elements load nothing by themselves. */
export class FakePage {
  readonly body: FakeElement = element("body");
  readonly submitted: FakeElement[] = [];
  readonly listeners = new Set<(event: unknown) => void>();

  /** @param href where the page came from */
  constructor(href: string, globals: Record<string, unknown> = {}) {
    const document = {
      body: this.body,
      head: this.body,
      createElement: (tag: string) => element(tag, (form) => this.submitted.push(form)),
    };
    const page = {
      document,
      location: { href },
      postMessage: () => {},
      addEventListener: (_name: string, listener: () => void) => this.listeners.add(listener),
      removeEventListener: (_name: string, listener: () => void) => this.listeners.delete(listener),
      ...globals,
    };
    for (const [name, value] of Object.entries(page)) vi.stubGlobal(name, value);
  }

  /** The one element of this kind. */
  only(tag: string): FakeElement {
    const [first, ...others] = this.body.children.filter((each) => each.tag === tag);
    if (first === undefined || others.length > 0) throw new Error(`not one ${tag}`);
    return first;
  }

  post(event: { source: unknown; origin: string; data: unknown }): void {
    for (const listener of [...this.listeners]) listener(event);
  }
}

export function element(tag: string, submitted: (form: FakeElement) => void = () => {}): FakeElement {
  const made: FakeElement = {
    tag,
    style: {},
    children: [],
    contentWindow: { location: { href: "about:blank" } },
    parentNode: null,
    appendChild: (child) => {
      made.children.push(child);
      child.parentNode = made;
    },
    removeChild: (child) => {
      made.children.splice(made.children.indexOf(child), 1);
      child.parentNode = null;
    },
    submit: () => submitted(made),
  };
  return made;
}

export function targetTo(url: string): Target {
  return {
    url,
    query: {},
    sid: undefined,
    maxPayload: undefined,
    withCredentials: false,
    timestampParam: "t",
    timestampRequests: false,
    requestTimeoutMs: 0,
    protocols: [],
    forceBase64: false,
  };
}
