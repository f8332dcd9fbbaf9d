// What is called "#http" elsewhere, for browsers without `fetch`.

interface Options {
  readonly headers?: Readonly<Record<string, string>> | undefined;
  readonly withCredentials: boolean;
  readonly requestTimeoutMs: number;
}

interface Answer {
  readonly status: number;
  readonly responseText: string;
}

interface Request {
  readonly answer: Promise<Answer>;
  abort(): void;
}

/** Sends a POST with `body`, or a GET without. Never throws: what cannot be sent is a rejected answer. */
export function httpRequest(address: string, options: Options, body?: string): Request {
  const xhr = new XMLHttpRequest();
  const answer = new Promise<Answer>((resolve) => {
    xhr.open(body === undefined ? "GET" : "POST", address);
    const { headers = {} } = options;
    for (const name of Object.keys(headers)) xhr.setRequestHeader(name, headers[name] as string);
    // text/plain needs no preflight from another origin.
    if (body !== undefined) xhr.setRequestHeader("Content-Type", "text/plain;charset=UTF-8");
    if (options.withCredentials) xhr.withCredentials = true;
    const timer =
      options.requestTimeoutMs > 0 ? setTimeout(() => xhr.abort(), options.requestTimeoutMs) : undefined;
    xhr.onreadystatechange = () => {
      if (xhr.readyState !== 4) return;
      clearTimeout(timer);
      resolve(answerOf(xhr));
    };
    xhr.send(body ?? null);
  });
  return { answer, abort: () => xhr.abort() };
}

/** Nothing streams here: what would need it is not in the bundle. */
export function httpStream(): never {
  throw new Error("no streams");
}

/** Internet Explorer 9 throws when a request is asked that was aborted. */
function answerOf(xhr: XMLHttpRequest): Answer {
  try {
    return { status: xhr.status, responseText: xhr.responseText };
  } catch {
    return { status: 0, responseText: "" };
  }
}
