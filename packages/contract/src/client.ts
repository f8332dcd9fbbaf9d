import { OWN_EVENTS } from "@sockeye/protocol";
import type {
  CallAnswer,
  CallArgs,
  CallHandler,
  CallInput,
  CallOptions,
  EventNames,
  EventsMap,
  Extension,
  ListenOptions,
} from "@sockeye/socket";
import { Additions, readEmit } from "@sockeye/socket";
import type { AnyCallHandler } from "./answering.js";
import { answering, Running } from "./answering.js";
import { makeCall } from "./calling.js";

export { CallError, isCallError } from "./call-error.js";
export type {
  Stream,
  StreamEnd,
  StreamInput,
  StreamItemOf,
  StreamNames,
  StreamRequestOptions,
} from "./streams/stream-types.js";
export type { StreamArgs, StreamMethods, StreamsExtension } from "./streams/streams.js";
export { streams } from "./streams/streams.js";
export type { Uploadable, UploadProgress, UploadRequestOptions } from "./streams/upload-types.js";
export type { UploadArgs, UploadMethods, UploadsExtension } from "./streams/uploads.js";
export { uploads } from "./streams/uploads.js";

/** What {@link calls} gives to a socket. */
export interface CallMethods<Listen extends EventsMap, Emit extends EventsMap> {
  /**
   * Calls the server, and resolves with its answer. While there is no connection it waits for one; what is given up before it has left never
   * leaves.
   *
   * @throws CallError (as a rejection) if the server refuses: branch on its `code`; AckError `ERR_ACK_TIMEOUT`, `ERR_ACK_DISCONNECTED`
   */
  call<Ev extends EventNames<Emit>>(
    name: Ev,
    ...args: CallArgs<CallInput<Emit, Ev>>
  ): Promise<CallAnswer<Emit, Ev>>;
  /**
   * Answers calls of the server: with what the handler returns, or the {@link CallError} that it throws.
   *
   * @throws UsageError `ERR_HANDLED` if the name has a handler or a listener
   */
  handle<Ev extends EventNames<Listen>>(
    name: Ev,
    handler: CallHandler<Listen, Ev, this>,
    options?: ListenOptions,
  ): this;
}

export interface CallsExtension extends Extension {
  readonly methods?: this["listen"] extends EventsMap
    ? this["emit"] extends EventsMap
      ? CallMethods<this["listen"], this["emit"]>
      : never
    : never;
}

/** Gives sockets of a client `call` and `handle`: `io(url, { extend: [calls] })`. */
export const calls: CallsExtension = {
  additions: Additions,
  install(host) {
    const { socket, contract } = host;
    const running = new Running();
    let handles = false;
    const tell = (event: string, args: readonly unknown[]): void => {
      if (host.connected && host.knowsOwnEvents) host.emitOut(readEmit(event, args, {}));
    };
    const answerer = {
      socket,
      contract,
      running,
      reportError: (error: unknown) => host.reportError(error),
    };
    host.onOwn("connect", () => {
      if (handles) tell(OWN_EVENTS.calls, []);
    });
    host.onOwn("disconnect", () => running.cancelAll());
    host.onOwn(OWN_EVENTS.cancel, (id) => running.cancel(id));
    const caller = {
      contract,
      emitOut: host.emitOut.bind(host),
      cancel: (ackId: number) => tell(OWN_EVENTS.cancel, [ackId]),
    };
    return {
      call: (name: string, ...args: [input?: unknown, options?: CallOptions]) => makeCall(caller, name, args),
      handle: (name: string, handler: AnyCallHandler, options?: ListenOptions) => {
        host.onlyHandler(
          name,
          answering(name, handler, () => answerer),
          options,
        );
        if (!handles) tell(OWN_EVENTS.calls, []);
        handles = true;
        return socket;
      },
    };
  },
};
