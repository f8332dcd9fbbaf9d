import type { Transport, TransportSink } from "@sockeye/protocol";
import { deferTask, TransportError } from "@sockeye/protocol";

/** Stands for a transport that could not even be made. Fails like one that could not be opened, once it has a listener. */
export function failedTransport(name: string, error: unknown): Transport {
  let sink: TransportSink | undefined;
  const transport: Transport = {
    name,
    writable: false,
    bind: (listener) => {
      sink = listener;
      const cause = new TransportError("ERR_TRANSPORT_OPEN", `${name} error`, error);
      deferTask(() => sink?.ended(transport, "lost", "transport error", cause));
    },
    send: () => {},
    pause: (done) => done(),
    resume: () => {},
    close: () => {
      sink = undefined;
    },
  };
  return transport;
}
