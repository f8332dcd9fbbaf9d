import type { Frame } from "@sockeye/protocol";
import { deferTask } from "@sockeye/protocol";
import { decodeEscaped } from "./escaped-payload.js";
import { type HttpKind, HttpTransport, type Receiving } from "./http-transport.js";
import { StreamedResponse } from "./streamed-response.js";
import type { Target } from "./target.js";

const SSE: HttpKind = {
  name: "sse",
  receive: (address, target, sink) =>
    new StreamedResponse({ name: SSE.name, target, sink, read: readerOf(address, target) }),
};

/**
 * The dialling end of `sse`: server-sent events, read by the platform's `EventSource`, which takes no headers. Where there is
 * none, such as on Node.js, it fails with `ERR_TRANSPORT_UNKNOWN`.
 */
export class SseTransport extends HttpTransport {
  static readonly transportName = "sse";

  constructor(target: Target) {
    super(target, SSE);
  }
}

function readerOf(address: string, target: Target): (response: StreamedResponse) => Receiving {
  return (response) => {
    if (typeof EventSource === "undefined") {
      deferTask(() => response.missing("EventSource"));
      return { abort: () => {} };
    }
    const source = new EventSource(address, {
      withCredentials: target.withCredentials,
    });
    source.onopen = () => response.frames([]);
    source.onmessage = ({ data }) => {
      let frames: Frame[];
      try {
        frames = decodeEscaped(String(data));
      } catch (error) {
        response.malformed(error as Error);
        return;
      }
      response.frames(frames);
    };
    source.onerror = (event) => {
      // It would connect again, to a response that another reader waits for, or to none.
      source.close();
      response.ended(event);
    };
    return { abort: () => source.close() };
  };
}
