// Both ends of streams without a network: frames wait in two lists.
import { type ManualClock, manualClock } from "@sockeye/conformance";
import { streams, uploads } from "@sockeye/contract/client";
import {
  DEFAULT_STREAM_LIMITS,
  SocketStreams,
  type StreamHost,
  type StreamLimits,
  StreamTable,
} from "@sockeye/contract/internal";
import type { ExtensionHost } from "@sockeye/socket";

export type Frame = readonly [event: string, ...args: unknown[]];

export interface StreamMade {
  readonly id: string | undefined;
  readonly end: Promise<unknown>;
  next(): Promise<IteratorResult<unknown>>;
  cancel(): void;
  detach(): void;
}

export type Client = ReturnType<ReturnType<typeof scene>["client"]>;

/** A server of streams and its clients, and all frames on their way. @param about of a node of a cluster */
export function scene(
  limits: Partial<StreamLimits> = {},
  {
    clock = manualClock(),
    ...about
  }: Partial<Omit<StreamHost, "clock">> & { readonly clock?: ManualClock } = {},
) {
  const errors: unknown[] = [];
  let ids = 0;
  const table = new StreamTable(
    {
      clock,
      weigh: (value) => (typeof value === "string" ? value.length : 8),
      isSame: (a, b) => JSON.stringify(a) === JSON.stringify(b),
      makeId: () => `id-${++ids}`,
      ...about,
    },
    { ...DEFAULT_STREAM_LIMITS, ...limits },
  );
  const client = (about: object = {}) => {
    const up: Frame[] = [];
    const down: Frame[] = [];
    const own = new Map<string, ((...args: readonly unknown[]) => void)[]>();
    const state = { connected: true, held: 0, got: 0, ...about };
    const tell = (event: string, args: readonly unknown[] = []): void => {
      for (const take of own.get(event) ?? []) take(...args);
    };
    const make = (): SocketStreams =>
      new SocketStreams(
        {
          socket: state,
          contract: undefined,
          send: (event, args) => down.push([event, ...args]),
          forward: ({ head }) => down.push(JSON.parse(String(head)) as Frame),
          reportError: (error) => errors.push(error),
          holdBytes: (bytes) => {
            state.held += bytes;
            return true;
          },
          releaseBytes: (bytes) => {
            state.held -= bytes;
          },
        },
        table,
      );
    let serving = make();
    const host: ExtensionHost = {
      socket: state,
      contract: undefined,
      clock,
      get connected() {
        return state.connected;
      },
      knowsOwnEvents: true,
      reportError: (error) => errors.push(error),
      onlyHandler: () => {},
      emitOut: () => {},
      sendNow: ({ event, args }) => void up.push([event, ...args]),
      onOwn: (event, listener) => void own.set(event, [...(own.get(event) ?? []), listener]),
    };
    const { stream } = streams.install(host) as {
      stream(name: string, input?: unknown, options?: object): StreamMade;
    };
    const { upload } = uploads.install(host) as {
      upload(name: string, data: unknown, options?: object): Promise<unknown>;
    };
    const made = {
      /** Told of each frame that comes. */
      tap: (_frame: Frame): void => {},
      up,
      down,
      stream,
      upload,
      /** Of the server's end. */
      get serving() {
        return serving;
      },
      /** Frames that have come. */
      get got() {
        return state.got;
      },
      /** Bytes of uploads. */
      get held() {
        return state.held;
      },
      get open() {
        return serving.size;
      },
      /** One frame arrives. */
      rise: () => {
        const frame = up.shift();
        if (frame) serving.take(frame);
      },
      fall: () => {
        const frame = down.shift();
        if (frame) state.got++;
        if (frame) made.tap(frame);
        if (frame) tell(frame[0], frame.slice(1));
      },
      /** The session is lost, with what is on its way. @param between while there is none */
      lose: (between = (): void => {}) => {
        serving.close();
        serving = make();
        up.length = down.length = 0;
        state.connected = false;
        tell("disconnect");
        between();
        state.connected = true;
        tell("connect");
      },
      raw: (...frame: Frame) => serving.take(frame),
    };
    return made;
  };
  return { clock, table, errors, client };
}

/** What promises lead to. */
export async function settle(): Promise<void> {
  for (let n = 0; n < 20; n++) await Promise.resolve();
}
