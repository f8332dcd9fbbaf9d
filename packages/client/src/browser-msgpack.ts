import type { Clock } from "@sockeye/protocol";
import type { DefaultEventsMap, EventsMap } from "@sockeye/socket";
import type { Io } from "./io.js";
import { ioWith } from "./io.js";
import { createMsgpackCodec } from "./msgpack.js";
import type { ManagerOptions } from "./options.js";
import { Manager as StandardManager } from "./standard/manager.js";

/** Speaks MessagePack to a server whose `parser` does, unless its options name another parser. */
export class Manager<
  ListenEvents extends EventsMap = DefaultEventsMap,
  EmitEvents extends EventsMap = ListenEvents,
> extends StandardManager<ListenEvents, EmitEvents> {
  constructor(uri?: string | Partial<ManagerOptions>, opts?: Partial<ManagerOptions>, clock?: Clock) {
    const given = typeof uri === "object" ? uri : opts;
    const options = { ...given, parser: given?.parser ?? createMsgpackCodec() };
    super(typeof uri === "object" ? undefined : uri, options, clock);
  }
}

export const io: Io = /* @__PURE__ */ ioWith(Manager);
export * from "./index.js";
export { io as connect, io as default };
