import type { Io, Options } from "@sockeye/client";
import { UsageError } from "@sockeye/protocol";
import type { Presence } from "@sockeye/rooms/client";
import type { Context, ReactElement } from "react";
import {
  createElement,
  useContext,
  useEffect,
  useInsertionEffect,
  useRef,
  useState,
  useSyncExternalStore,
} from "react";
import { type CallStore, type CallView, makeCaller } from "./calls.js";
import type { ProviderProps, RoomHookOptions, StreamHookOptions } from "./hook-types.js";
import { type Link, makeLink } from "./link.js";
import { presenceOf, roomOf } from "./rooms.js";
import { same } from "./same.js";
import type { Store } from "./store.js";
import { openStream, type StreamStore, type StreamView } from "./streams.js";

// Each hook of an app, with the link of its provider as the first argument.

type Handler = (...args: readonly unknown[]) => unknown;
export type LinkContext = Context<Link | undefined>;

export function useProvider(
  context: LinkContext,
  io: Io,
  options: Options,
  { url, auth, children }: ProviderProps,
): ReactElement {
  const props = { url, auth };
  const link = useKept(context, props, () => makeLink(io, options, props));
  useInsertionEffect(() => {
    link.props = props;
  });
  useEffect(() => link.watch(), [link]);
  return createElement(context.Provider, { value: link }, children);
}

/** @throws UsageError `ERR_NO_PROVIDER` */
export function useLink(context: LinkContext): Link {
  const link = useContext(context);
  if (!link) throw new UsageError("ERR_NO_PROVIDER", "no SocketProvider is around this component");
  return link;
}

/** What a store says, or what is picked of it. */
export function useStore<T, P = T>(
  store: Store<T>,
  watch: Store<T>["watch"] = store.watch,
  pick: (value: T) => P = (value) => value as unknown as P,
): P {
  return useSyncExternalStore(
    watch,
    () => pick(store.value),
    () => pick(store.initial),
  );
}

export function useEvent(link: Link, event: string, handler: Handler): void {
  const latest = useLatest(handler);
  useEffect(() => {
    const release = link.watch();
    const socket = link.socket();
    const listener: Handler = (...args) => latest.current(...args);
    socket.on(event, listener);
    return () => {
      socket.off(event, listener);
      release();
    };
  }, [link, event, latest]);
}

export function useEmit(link: Link): Link["emit"] {
  return link.emit;
}

export function useCall(link: Link, name: string): CallView & Pick<CallStore, "call"> {
  const store = useKept(link, name, () => makeCaller(link, name));
  return { ...useStore(store), call: store.call };
}

export function useStream(
  link: Link,
  name: string,
  input?: unknown,
  { id, after, skip }: StreamHookOptions = {},
): StreamView & Pick<StreamStore, "cancel" | "restart"> {
  const request = { name, input, id, after, skip };
  const store = useKept(link, request, () => openStream(link, request));
  const { cancel, restart } = store;
  return { ...useStore(store), cancel, restart };
}

export function useRoom(
  link: Link,
  name: string | undefined,
  handlers: Readonly<Record<string, Handler | undefined>> = {},
  { since, presence }: RoomHookOptions = {},
): unknown {
  const latest = useLatest(handlers);
  const store = roomOf(link, name);
  const watch = useKept(store, since, () => (tell?: () => void) => store.enter(latest, since, tell));
  const view = useStore(store, watch);
  useEffect(
    () =>
      store.value.room?.onEvent(({ event, args }) => {
        if (Object.hasOwn(latest.current, event)) latest.current[event]?.(...args);
      }),
    [store, latest],
  );
  const shown = useKept(store, presence, () => presence);
  const isShown = shown !== undefined;
  useEffect(() => {
    if (isShown) store.show(shown);
  }, [store, isShown, shown]);
  // Apart, so that another value is a change, and not a member that leaves and comes back.
  useEffect(() => (isShown ? () => store.show(undefined) : undefined), [store, isShown]);
  return view;
}

export function usePresence(
  link: Link,
  name: string | undefined,
  select: (members: readonly Presence[]) => unknown = (members) => members,
): unknown {
  const store = presenceOf(link, name);
  const selected = useKept<{ value?: unknown }>(store, 0, () => ({}));
  const pick = (members: readonly Presence[]): unknown => {
    const value = select(members);
    if (!same(selected.value, value)) selected.value = value;
    return selected.value;
  };
  return useStore(store, store.watch, pick);
}

/** The value of the latest rendering that was shown. */
function useLatest<T>(value: T): { readonly current: T } {
  const latest = useRef(value);
  useInsertionEffect(() => {
    latest.current = value;
  });
  return latest;
}

/** What was made for an owner and from a key, until it is another one, or the key says something else. */
function useKept<T>(owner: object, key: unknown, make: () => T): T {
  const [kept, keep] = useState(() => ({ owner, key, value: make() }));
  if (kept.owner === owner && same(kept.key, key)) return kept.value;
  const value = make();
  keep({ owner, key, value });
  return value;
}
