import { get, type IncomingMessage, request } from "node:http";
import { createContext, runInContext, runInThisContext } from "node:vm";

// As much of a page as the transports of old browsers need, and it loads: documents in iframes script by script while they
// arrive, script elements, and forms. What it allows between origins is what real browsers must show (test/browser).

interface Element {
  readonly tag: string;
  readonly style: Record<string, string>;
  readonly children: Element[];
  readonly contentWindow: { location: { href: string } };
  parentNode: Element | null;
  name?: string;
  target?: string;
  src?: string;
  action?: string;
  value?: string;
  onload?: (() => void) | null;
  onerror?: ((error: unknown) => void) | null;
  appendChild(child: Element): void;
  removeChild(child: Element): void;
  submit(): void;
}

interface Message {
  readonly source: unknown;
  readonly origin: string;
  readonly data: unknown;
}

const SCRIPT = /<script[^>]*>([\s\S]*?)<\/script>/g;
const listeners = new Set<(message: Message) => void>();
/** What goes with the page. Its document stays: a client that has been told to leave may still have a form to send. */
const GLOBALS = ["location", "postMessage", "addEventListener", "removeEventListener"];

/** Makes this process a page that came from `origin`. Returns what ends that. */
export function becomePage(origin: string): () => void {
  const body = element("body");
  const page: Record<string, unknown> = {
    document: { body, head: body, createElement: element },
    location: { href: `${origin}/` },
    postMessage: () => {},
    addEventListener: (name: string, listener: (message: Message) => void) =>
      name === "message" && listeners.add(listener),
    removeEventListener: (_name: string, listener: (message: Message) => void) => listeners.delete(listener),
  };
  Object.assign(globalThis, page);
  return () => {
    for (const name of GLOBALS) Reflect.deleteProperty(globalThis, name);
    for (const child of [...body.children]) body.removeChild(child);
    listeners.clear();
  };
}

function element(tag: string): Element {
  const loads = new Map<Element, () => void>();
  const made: Element = {
    tag,
    style: {},
    children: [],
    contentWindow: { location: { href: "about:blank" } },
    parentNode: null,
    appendChild: (child) => {
      made.children.push(child);
      child.parentNode = made;
      if (child.src === undefined) return;
      loads.set(child, child.tag === "iframe" ? loadDocument(child) : loadScript(child));
    },
    removeChild: (child) => {
      made.children.splice(made.children.indexOf(child), 1);
      child.parentNode = null;
      loads.get(child)?.();
      loads.delete(child);
    },
    submit: () => submitForm(made),
  };
  return made;
}

function loadDocument(iframe: Element): () => void {
  const { protocol, host } = new URL(iframe.src ?? "");
  const origin = `${protocol}//${host}`;
  iframe.contentWindow.location.href = iframe.src ?? "";
  const tell = (data: unknown): void => {
    if (iframe.parentNode === null) return;
    for (const listener of [...listeners]) listener({ source: iframe.contentWindow, origin, data });
  };
  const context = createContext({ parent: { postMessage: tell }, location: { protocol, host } });
  return fetchText(iframe.src ?? "", (text, over) => {
    let end = 0;
    for (const script of text.matchAll(SCRIPT)) {
      runInContext(script[1] ?? "", context);
      end = script.index + script[0].length;
    }
    if (over) iframe.onload?.();
    return text.slice(end);
  });
}

function loadScript(script: Element): () => void {
  return fetchText(script.src ?? "", (text, over, status) => {
    if (!over) return text;
    if (status !== 200) {
      script.onerror?.(new Error(`status ${status}`));
    } else {
      runInThisContext(text);
      script.onload?.();
    }
    return "";
  });
}

/** @param read takes what has come and gives back what it has no use for yet */
function fetchText(url: string, read: (text: string, over: boolean, status: number) => string): () => void {
  let rest = "";
  let isWanted = true;
  const asked = get(url, { agent: false }, (answer: IncomingMessage) => {
    const take = (text: string, over: boolean): void => {
      if (isWanted) rest = read(rest + text, over, answer.statusCode ?? 0);
    };
    answer.setEncoding("utf8");
    answer.on("data", (text: string) => take(text, false));
    answer.on("error", () => take("", true));
    answer.on("end", () => take("", true));
  });
  asked.on("error", () => isWanted && read("", true, 0));
  return () => {
    isWanted = false;
    asked.destroy();
  };
}

function submitForm(form: Element): void {
  const iframe = form.parentNode?.children.find(({ tag, name }) => tag === "iframe" && name === form.target);
  const fields = form.children.map(({ name = "", value = "" }): [string, string] => [name, value]);
  const asked = request(form.action ?? "", {
    method: "POST",
    agent: false,
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
  });
  asked.on("response", (answer) => {
    answer.resume();
    answer.on("end", () => {
      if (iframe) iframe.contentWindow.location.href = form.action ?? "";
      iframe?.onload?.();
    });
  });
  asked.on("error", () => {});
  asked.end(new URLSearchParams(fields).toString());
}
