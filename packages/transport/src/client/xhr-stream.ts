import type { Frame } from "@sockeye/protocol";
import { deferTask } from "@sockeye/protocol";
import { decodeEscaped } from "./escaped-payload.js";
import { type HttpKind, HttpTransport, type Receiving } from "./http-transport.js";
import { StreamedResponse } from "./streamed-response.js";
import type { Target } from "./target.js";

const STREAM: HttpKind = {
  name: "stream",
  receive: (address, target, sink) =>
    new StreamedResponse({ name: STREAM.name, target, sink, read: readerOf(address, target) }),
};

/** The dialling end of `stream` for browsers without `fetch`: an `XMLHttpRequest` is read while it comes, as lines of text. */
export class XhrStreamTransport extends HttpTransport {
  static readonly transportName = "stream";

  constructor(target: Target) {
    super(target, STREAM);
  }
}

function readerOf(address: string, target: Target): (response: StreamedResponse) => Receiving {
  return (response) => {
    const xhr = new XMLHttpRequest();
    // Internet Explorer 9 shows nothing before the end.
    if (!("onprogress" in xhr)) {
      deferTask(() => response.missing("XMLHttpRequest that streams"));
      return { abort: () => {} };
    }
    let read = 0;
    let seen = 0;
    const readLines = (): void => {
      if (xhr.readyState < 3 || xhr.status !== 200) return;
      const { responseText } = xhr;
      // Only what is new is searched: a long line may come in many pieces.
      const end = responseText.slice(seen).lastIndexOf("\n") + 1;
      const lines = end > 0 ? responseText.slice(read, seen + end).split("\n") : [];
      if (end > 0) read = seen + end;
      seen = responseText.length;
      let frames: Frame[];
      try {
        // Spaces pad the beginning of a response.
        frames = lines.flatMap((line) => (line.trim() === "" ? [] : decodeEscaped(line)));
      } catch (error) {
        response.malformed(error as Error);
        return;
      }
      response.frames(frames);
    };
    xhr.onprogress = readLines;
    xhr.onreadystatechange = () => {
      readLines();
      if (xhr.readyState === 4) response.ended(xhr.status === 200 ? undefined : xhr);
    };
    try {
      xhr.open("GET", target.forceBase64 ? address : `${address}&b64=1`);
      for (const [name, value] of Object.entries(target.headers ?? {})) xhr.setRequestHeader(name, value);
      xhr.withCredentials = target.withCredentials;
      xhr.send();
    } catch (error) {
      deferTask(() => response.ended(error));
    }
    return {
      abort: () => {
        xhr.onprogress = null;
        xhr.onreadystatechange = null;
        xhr.abort();
      },
    };
  };
}
