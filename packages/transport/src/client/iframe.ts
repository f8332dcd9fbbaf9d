import { decodePayload } from "@sockeye/codec/payload";
import { deferTask, startTimer } from "@sockeye/protocol";
import { type HttpKind, HttpTransport, type Receiving } from "./http-transport.js";
import { StreamedResponse } from "./streamed-response.js";
import type { Target } from "./target.js";

const NO_LIMIT = { maxPacketsPerPayload: Number.POSITIVE_INFINITY };

/** How long messages may take that were posted before the document ended. */
const GRACE_MS = 100;

const IFRAME: HttpKind = {
  name: "iframe",
  receive: (address, target, sink) =>
    new StreamedResponse({ name: IFRAME.name, target, sink, read: readerOf(address, target) }),
};

/**
 * The dialling end of `iframe`: a document in a hidden iframe that never ends, and brings a script for each write of the
 * server. The script posts a message to the page, or calls it where messages do not exist.
 */
export class IframeTransport extends HttpTransport {
  static readonly transportName = "iframe";

  constructor(target: Target) {
    super(target, IFRAME);
  }
}

/** Receivers, by number, where the scripts of the server look for them. */
interface Calls {
  ___sockeye?: Record<string, (payload: string) => void>;
}

/** Internet Explorer's document without a window: what it loads neither clicks nor shows. */
interface HtmlFile extends Document {
  readonly parentWindow: Calls;
}

interface OldPage extends Calls {
  readonly ActiveXObject?: new (name: "htmlfile") => HtmlFile;
}

let count = 0;

function readerOf(request: string, target: Target): (response: StreamedResponse) => Receiving {
  return (response) => {
    const channel = String(count++);
    const receive = (payload: string): void => {
      try {
        response.frames(decodePayload(payload, NO_LIMIT));
      } catch (error) {
        response.malformed(error as Error);
      }
    };
    const page = globalThis as OldPage;
    const server = originOf(target.url);
    const own = typeof location === "undefined" ? "" : originOf(location.href);
    const address = `${request}&c=${channel}`;
    if (own === server && page.ActiveXObject) {
      const file = htmlFile(page.ActiveXObject);
      if (file) return called({ parent: file, page: file.parentWindow, channel, address, receive, response });
    }
    if (typeof document !== "undefined" && typeof postMessage === "function") {
      const origin = own === server ? "" : `&origin=${encodeURIComponent(own)}`;
      return posted({ address: address + origin, prefix: `sockeye:${channel}:`, server, receive, response });
    }
    if (typeof document !== "undefined" && own === server) {
      return called({ parent: document, page, channel, address, receive, response });
    }
    deferTask(() => response.missing("document"));
    return { abort: () => {} };
  };
}

interface Loading {
  readonly address: string;
  readonly receive: (payload: string) => void;
  readonly response: StreamedResponse;
}

interface Posting extends Loading {
  readonly server: string;
  readonly prefix: string;
}

function posted({ address, prefix, server, receive, response }: Posting): Receiving {
  const iframe = document.createElement("iframe");
  const onMessage = ({ source, origin, data }: MessageEvent): void => {
    if (source !== iframe.contentWindow || origin !== server) return;
    if (typeof data === "string" && data.slice(0, prefix.length) === prefix)
      receive(data.slice(prefix.length));
  };
  addEventListener("message", onMessage);
  return load({ iframe, parent: document, address, response }, () =>
    removeEventListener("message", onMessage),
  );
}

interface Calling extends Loading {
  readonly parent: Document;
  readonly page: Calls;
  readonly channel: string;
}

function called({ parent, page, channel, address, receive, response }: Calling): Receiving {
  page.___sockeye ??= {};
  const receivers = page.___sockeye;
  receivers[channel] = receive;
  const iframe = parent.createElement("iframe");
  return load({ iframe, parent, address: `${address}&d=1`, response }, () => {
    // A script may still be on its way.
    receivers[channel] = () => {};
  });
}

interface Element {
  readonly iframe: HTMLIFrameElement;
  readonly parent: Document;
  readonly address: string;
  readonly response: StreamedResponse;
}

/** @param forget is called once, when nothing must come any more */
function load({ iframe, parent, address, response }: Element, forget: () => void): Receiving {
  const abort = (): void => {
    if (iframe.parentNode === null) return;
    forget();
    iframe.parentNode.removeChild(iframe);
  };
  const ended = (): void => {
    startTimer(() => {
      abort();
      response.ended();
    }, GRACE_MS);
  };
  iframe.style.display = "none";
  iframe.src = address;
  const { attachEvent } = iframe as { attachEvent?: (name: "onload", call: () => void) => void };
  if (attachEvent) attachEvent.call(iframe, "onload", ended);
  else iframe.onload = ended;
  (parent.body ?? parent.documentElement).appendChild(iframe);
  return { abort };
}

function htmlFile(ActiveXObject: NonNullable<OldPage["ActiveXObject"]>): HtmlFile | undefined {
  try {
    const file = new ActiveXObject("htmlfile");
    file.open();
    file.write("<html><body></body></html>");
    file.close();
    return file;
  } catch {
    // Forbidden, or a browser that only has the name.
    return undefined;
  }
}

/** Of an address, as browsers write it: without a default port. */
function originOf(address: string): string {
  const [origin = ""] = /^\w+:\/\/[^/?#]+/.exec(address.toLowerCase()) ?? [];
  return origin.replace(/^(http:.*):80$|^(https:.*):443$/, "$1$2");
}
