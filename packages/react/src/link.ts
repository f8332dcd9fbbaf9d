import type { Auth, Io, Options, Socket } from "@sockeye/client";
import type { Stream } from "@sockeye/contract/client";
import type { Room } from "@sockeye/rooms/client";
import type { Unchecked } from "@sockeye/socket";
import type { Connection, ProviderProps } from "./hook-types.js";
import { makeStore, type Store } from "./store.js";

/** A socket with all that it may have; the types of the hooks say what it has. */
export type AnySocket = Socket & {
  call(name: string, ...args: readonly unknown[]): Promise<Unchecked>;
  stream(name: string, ...args: readonly unknown[]): Stream;
  room(name: string): Room;
};

type Ask = Extract<Auth, (...args: never) => unknown>;

/** The connection of one provider, alive while it is connected, or tries to be. */
export interface Link extends Store<Connection<AnySocket>> {
  /** The latest, whose functions are called. */
  props: ProviderProps;
  /** Gives the socket, which is made and connected if need be. Never while rendering. */
  socket(): AnySocket;
  emit(event: string, ...args: readonly unknown[]): void;
  /** What all components have together under a name. */
  share<T>(name: string, make: () => T): T;
}

export function makeLink(io: Io, options: Options, props: ProviderProps): Link {
  const shared = new Map<string, unknown>();
  let socket: AnySocket | undefined;
  const open = (): AnySocket => {
    const { url, auth } = link.props;
    const made = io(url, {
      ...options,
      ...(auth !== undefined && { auth: typeof auth === "function" ? askLatest : auth }),
    }) as AnySocket;
    const show = (error?: Error): void => store.set({ status: made.status, error, socket: made });
    const changed = (): void => show(store.value.error);
    made.onStatus(changed);
    made
      .on("disconnect", changed)
      .on("connect", () => show())
      .on("connect_error", show);
    return made;
  };
  const askLatest: Ask = (tell) => (link.props.auth as Ask)(tell);
  const store = makeStore<Connection<AnySocket>>({ status: "connecting" }, () => {
    socket ??= open();
    socket.connect();
    store.set({ status: socket.status, socket });
    return () => socket?.disconnect();
  });
  const link: Link = Object.assign(store, {
    props,
    socket() {
      // A component that needs it once has it for the grace period.
      store.watch()();
      return socket as AnySocket;
    },
    emit: (event: string, ...args: readonly unknown[]) => void link.socket().emit(event, ...args),
    share<T>(name: string, make: () => T): T {
      const known = (shared.get(name) as T | undefined) ?? make();
      shared.set(name, known);
      return known;
    },
  });
  return link;
}
