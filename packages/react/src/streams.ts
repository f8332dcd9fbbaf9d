import type { Stream } from "@sockeye/contract/client";
import { startTimer, stopTimer } from "@sockeye/protocol";
import type { StreamState } from "./hook-types.js";
import type { Link } from "./link.js";
import { makeStore, type Store } from "./store.js";

/** Ms between two renderings of a stream that flows: a frame. A timer, since hidden pages have no frames. */
const FRAME_MS = 16;

/** State of a stream. */
export type StreamView = Omit<StreamState<unknown, unknown>, "cancel" | "restart">;

/** What is asked for. */
export interface StreamRequest {
  readonly name: string;
  readonly input: unknown;
  readonly id: string | undefined;
  readonly after: number | undefined;
  readonly skip: boolean | undefined;
}

/** A stream that runs as long as a component watches. What comes is shown once a frame. */
export interface StreamStore extends Store<StreamView> {
  cancel(): void;
  restart(): void;
}

export function openStream(link: Link, { name, input, id, after, skip }: StreamRequest): StreamStore {
  let stream: Stream | undefined;
  const store = makeStore<StreamView>({ items: [], status: skip ? "idle" : "pending" }, () => {
    if (skip) return undefined;
    const release = link.watch();
    const running = link.socket().stream(name, input, { id, after });
    stream = running;
    const batch: unknown[] = [];
    let frame: ReturnType<typeof startTimer> | undefined;
    const show = (change: Partial<StreamView>): void => {
      if (stream !== running) return;
      stopTimer(frame);
      frame = undefined;
      const items = [...store.value.items, ...batch.splice(0)];
      store.set({ ...store.value, items, id: running.id, ...change });
    };
    const read = async (): Promise<void> => {
      for await (const item of running) {
        batch.push(item);
        frame ??= startTimer(() => show({ status: "streaming" }), FRAME_MS);
      }
      show({ status: "done", end: await running.end });
    };
    read().catch((error: { readonly code?: unknown }) =>
      show(error.code === "ERR_STREAM_CANCELLED" ? { status: "cancelled" } : { status: "failed", error }),
    );
    return () => {
      stream = undefined;
      running.detach();
      stopTimer(frame);
      release();
    };
  });
  return Object.assign(store, {
    cancel: () => stream?.cancel(),
    restart() {
      store.end();
      // A watcher keeps it alive, and is told.
      store.watch()();
      store.set(store.value);
    },
  });
}
