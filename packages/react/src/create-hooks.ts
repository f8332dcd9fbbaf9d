import type { Io, Options, TypedOptions } from "@sockeye/client";
import type { DefaultEventsMap, EventsMap, Extension } from "@sockeye/socket";
import { createContext } from "react";
import type { Hooks, ProviderProps } from "./hook-types.js";
import {
  type LinkContext,
  useCall,
  useEmit,
  useEvent,
  useLink,
  usePresence,
  useProvider,
  useRoom,
  useStore,
  useStream,
} from "./hooks.js";
import type { Link } from "./link.js";

/**
 * Makes a provider and hooks for one kind of socket. Call it once, in a module.
 *
 * ```tsx
 * export const { SocketProvider, useConnection, useEvent, useEmit } = createHooks(io, { contract: chat });
 * ```
 *
 * Rendering never connects, so that pages can be rendered on a server.
 *
 * @typeParam Listen events from the server; inferred if there is a contract
 * @typeParam Emit events to the server
 * @param io of `@sockeye/client`, or of another of its entries
 * @param options as `io` takes them; with `extend: [calls]` there is `useCall`, with `streams` `useStream`, with `rooms` `useRoom` and
 *   `usePresence`
 */
export function createHooks<
  Listen extends EventsMap = DefaultEventsMap,
  Emit extends EventsMap = Listen,
  const Xs extends readonly Extension[] = [],
>(io: Io, options: Options & TypedOptions<Listen, Emit, Xs> = {}): Hooks<Listen, Emit, Xs> {
  const context: LinkContext = createContext<Link | undefined>(undefined);
  const bind =
    <Args extends unknown[], R>(hook: (link: Link, ...args: Args) => R) =>
    (...args: Args): R =>
      hook(useLink(context), ...args);
  const hooks: unknown = {
    // biome-ignore lint/correctness/noComponentHookFactories: an app calls this once, in a module
    SocketProvider: (props: ProviderProps) => useProvider(context, io, options, props),
    useConnection: bind((link) => useStore(link)),
    useEvent: bind(useEvent),
    useEmit: bind(useEmit),
    useCall: bind(useCall),
    useStream: bind(useStream),
    useRoom: bind(useRoom),
    usePresence: bind(usePresence),
  };
  return hooks as Hooks<Listen, Emit, Xs>;
}
