import { transportSuite } from "@sockeye/conformance";
import { JsonpTransport } from "@sockeye/transport/client";
import { nodePair } from "./node-pair.js";

// Both ends of JSONP, with as much of a page between them as loads scripts and submits forms.

class Element {
  readonly style = {};
  readonly children: Element[] = [];
  readonly contentWindow = { location: { href: "about:blank" } };
  parentNode: Element | null = null;
  name = "";
  src = "";
  action = "";
  target = "";
  value = "";
  onload: (() => void) | null = null;
  onerror: ((error: unknown) => void) | null = null;

  constructor(readonly tag: string) {}

  appendChild(child: Element): void {
    child.parentNode = this;
    this.children.push(child);
    if (child.tag === "script") void child.#load();
  }

  removeChild(child: Element): void {
    child.parentNode = null;
    this.children.splice(this.children.indexOf(child), 1);
  }

  async #load(): Promise<void> {
    try {
      const response = await fetch(this.src);
      const runs = response.ok && response.headers.get("content-type")?.startsWith("text/javascript");
      if (!runs) throw new Error("no script");
      // Its one free name is global.
      new Function(await response.text())();
      this.onload?.();
    } catch (error) {
      this.onerror?.(error);
    }
  }

  submit(): void {
    const page = this.parentNode;
    const fields = new URLSearchParams();
    // As browsers do with line feeds.
    for (const { name, value } of this.children) fields.append(name, value.replace(/\r?\n/g, "\r\n"));
    const shown = (): void => {
      const iframe = page?.children.find(({ tag, name }) => tag === "iframe" && name === this.target);
      if (iframe === undefined) return;
      iframe.contentWindow.location.href = this.action;
      iframe.onload?.();
    };
    // An iframe shows something, whatever comes.
    fetch(this.action, { method: "POST", body: fields }).then(shown, shown);
  }
}

const body = new Element("body");
const document = { body, head: body, createElement: (tag: string) => new Element(tag) };
Object.assign(globalThis, { document });

transportSuite("jsonp", nodePair(JsonpTransport, { gate: { transports: ["polling", "jsonp"] } }), {
  clientName: "jsonp",
});
