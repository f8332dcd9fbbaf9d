import { decodePayload } from "@sockeye/codec/payload";
import type { Frame } from "@sockeye/protocol";
import type { HttpAnswer, HttpRequest } from "../shared/http-like.js";
import {
  type HttpKind,
  HttpTransport,
  httpError,
  type Receiving,
  type ResponseSink,
} from "./http-transport.js";
import type { Target } from "./target.js";

const NO_LIMIT = { maxPacketsPerPayload: Number.POSITIVE_INFINITY };

/**
 * The dialling end of Engine.IO's JSONP polling, for pages that no other way leads from to another origin: a script element
 * is each response, a form in a hidden iframe each POST. What became of a POST the page may not see: that the session broke
 * shows at the next response, and a claim that is refused looks like a network that fails.
 */
export class JsonpTransport extends HttpTransport {
  static readonly transportName = "jsonp";

  constructor(target: Target) {
    super(target, jsonp());
  }
}

/** Where the server's scripts look for those who wait, by number. */
interface Page {
  ___eio?: ((payload: string) => void)[];
}

/** The number is the transport's: servers of Socket.IO put the first into all answers of a session. */
function jsonp(): HttpKind {
  const page = globalThis as Page;
  page.___eio ??= [];
  const callbacks = page.___eio;
  const number = callbacks.push(ignore) - 1;
  const expect = (callback: (payload: string) => void): void => {
    callbacks[number] = callback;
  };
  return {
    name: "jsonp",
    transport: "polling",
    receive: (address, target, sink) =>
      requestScript({ address: `${address}&j=${number}`, target, sink, expect }),
    post: (address, body) => submitForm(`${address}&j=${number}`, String(body)),
  };
}

function ignore(): void {}

interface ScriptRequest {
  readonly address: string;
  readonly target: Target;
  readonly sink: ResponseSink;
  /** Names the one whom the server's script calls. */
  readonly expect: (callback: (payload: string) => void) => void;
}

function requestScript({ address, target, sink, expect }: ScriptRequest): Receiving {
  const script = document.createElement("script");
  const done = (): void => {
    expect(ignore);
    script.onload = null;
    script.onerror = null;
    script.parentNode?.removeChild(script);
  };
  const failed = (error: unknown): void => {
    done();
    sink.failed("transport error", httpError(target, "jsonp poll error", error));
  };
  expect((payload) => {
    done();
    let frames: Frame[];
    try {
      frames = decodePayload(payload, NO_LIMIT);
    } catch (error) {
      sink.failed("parse error", error as Error);
      return;
    }
    sink.frames(frames, true);
  });
  script.async = true;
  script.src = address;
  // Loaded, and nobody was called: an answer that is no script of ours.
  script.onload = failed;
  script.onerror = failed;
  (document.head ?? document.documentElement).appendChild(script);
  return { abort: done };
}

function submitForm(address: string, body: string): HttpRequest {
  const iframe = document.createElement("iframe");
  const form = document.createElement("form");
  const field = document.createElement("textarea");
  const name = `sockeye${Math.random().toString(36).slice(2)}`;
  iframe.name = name;
  form.target = name;
  form.method = "POST";
  form.action = address;
  form.acceptCharset = "utf-8";
  field.name = "d";
  // The server turns `\n` into a line feed and `\\n` into `\n`, since forms change line feeds.
  field.value = body.replace(/\\n/g, "\\\\n").replace(/\n/g, "\\n");
  form.appendChild(field);
  const abort = (): void => {
    iframe.onload = null;
    for (const element of [iframe, form]) element.parentNode?.removeChild(element);
  };
  const answer = new Promise<HttpAnswer>((resolve) => {
    iframe.onload = () => {
      if (isEmpty(iframe)) return;
      abort();
      resolve({ status: 200, responseText: "" });
    };
    for (const element of [form, iframe]) {
      element.style.display = "none";
      (document.body ?? document.documentElement).appendChild(element);
    }
    form.submit();
  });
  return { answer, abort };
}

/** Is it the document that an iframe has before it loads one? Another origin's may not be looked at. */
function isEmpty(iframe: HTMLIFrameElement): boolean {
  try {
    return iframe.contentWindow?.location.href === "about:blank";
  } catch {
    return false;
  }
}
