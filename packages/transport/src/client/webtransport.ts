import {
  deferTask,
  EncodedPacket,
  type PipeClose,
  type Transport,
  TransportError,
  type TransportSink,
} from "@sockeye/protocol";
import type { DialledSession, WebTransportStream } from "../shared/webtransport-like.js";
import { endSession, WebTransportPipe } from "../shared/webtransport-pipe.js";
import { addressOf, type Target } from "./target.js";

/**
 * The dialling end of WebTransport, by the platform's own class: browsers have one, Node.js does not, and an app may put one in
 * its place. Takes the options of that class from `transportOptions.webtransport`.
 *
 * @see PROTOCOL.md, "WebTransport"
 */
export class WebTransportTransport implements Transport {
  static readonly transportName = "webtransport";
  readonly name = "webtransport";
  #session: DialledSession | undefined;
  #pipe: WebTransportPipe | undefined;
  /** Nobody after the end, so that nothing more is reported. */
  #sink: TransportSink | undefined;

  constructor(target: Target) {
    try {
      this.#dial(target);
    } catch (error) {
      // No such class, or a bad address: told like every other failure, after bind().
      deferTask(() => this.#failed(error));
    }
  }

  get writable(): boolean {
    return this.#pipe?.writable === true;
  }

  bind(sink: TransportSink): void {
    this.#sink = sink;
    this.#pipe?.bind(sink);
  }

  send(batch: readonly EncodedPacket[]): void {
    this.#pipe?.send(batch);
  }

  pause(done: () => void): void {
    done();
  }

  resume(): void {}

  close(how: PipeClose): void {
    this.#sink = undefined;
    if (this.#pipe) this.#pipe.close(how);
    else if (this.#session) endSession(this.#session);
  }

  #dial(target: Target): void {
    const url = addressOf(target, "webtransport", false).replace("http:", "https:");
    const { webtransport } = {
      ...(target.client?.["transportOptions"] as Record<string, object> | undefined),
    };
    const session: DialledSession = new WebTransport(url, webtransport);
    this.#session = session;
    const failed = (error: unknown): void => this.#failed(error);
    session.ready
      .then(() => session.createBidirectionalStream())
      .then((stream) => this.#opened(session, stream, target))
      .catch(failed);
    // Browsers may keep a session open when its page goes away.
    const leave = (): void => endSession(session);
    globalThis.addEventListener?.("pagehide", leave);
    const ended = (error: unknown): void => {
      globalThis.removeEventListener?.("pagehide", leave);
      failed(error);
    };
    session.closed.then(ended, ended);
  }

  #opened(session: DialledSession, stream: WebTransportStream, { sid, claim }: Target): void {
    const sink = this.#sink;
    // Closed in the meantime; so is the session.
    if (sink === undefined) return;
    const pipe = new WebTransportPipe(session, stream, {
      maxFrameBytes: Number.MAX_SAFE_INTEGER,
      from: this,
    });
    this.#pipe = pipe;
    pipe.bind(sink);
    pipe.send([claim ?? new EncodedPacket(sid === undefined ? "0" : `0${JSON.stringify({ sid })}`)]);
    if (pipe.writable) sink.writable(this);
  }

  /** Before the pipe was there, which tells of its own end itself. */
  #failed(error: unknown): void {
    if (this.#pipe) return;
    const sink = this.#sink;
    this.close("dead");
    sink?.ended(
      this,
      "lost",
      "transport error",
      new TransportError("ERR_TRANSPORT_OPEN", "webtransport error", error),
    );
  }
}
