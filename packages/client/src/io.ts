import { readUrl, splitGiven } from "@sockeye/engine/client";
import { SOCKET_PROTOCOL } from "@sockeye/protocol";
import type { ContractFor, DefaultEventsMap, EventsMap, Extended, Extension } from "@sockeye/socket";
import { DEFAULT_PATH } from "./default-path.js";
import type { Manager } from "./manager.js";
import type { Options, TypedSocketOptions } from "./options.js";
import { Socket } from "./socket.js";

/** Options that decide about the type of the socket. */
export interface TypedOptions<
  ListenEvents extends EventsMap,
  EmitEvents extends EventsMap,
  Xs extends readonly Extension[],
> {
  /** What travels, as `contract()` of `@sockeye/contract` describes it: types of events, and checks of what comes in. */
  contract?: { readonly client: ContractFor<ListenEvents, EmitEvents> } | undefined;
  /** Methods that the socket gets, such as `calls` of `@sockeye/contract/client`. */
  extend?: Xs;
}

/** A socket with the methods of its extensions. */
export type ExtendedSocket<
  ListenEvents extends EventsMap,
  EmitEvents extends EventsMap,
  Xs extends readonly Extension[],
> = Xs extends readonly []
  ? Socket<ListenEvents, EmitEvents>
  : Socket<ListenEvents, EmitEvents> & Extended<Xs, ListenEvents, EmitEvents>;

/** The function `io`, and what hangs on it for code that has nothing else. */
export interface Io {
  /**
   * A socket for a namespace of a server: the path of the URL is the namespace, without a URL it is the page's server. Without a page, as
   * where pages are rendered on a server, such a socket waits: it does not connect, and says so by `connect_error`.
   * Sockets of one server share a connection, unless a namespace is asked for twice.
   *
   * @throws UsageError `ERR_BAD_OPTION`
   */
  <ListenEvents extends EventsMap = DefaultEventsMap, EmitEvents extends EventsMap = ListenEvents>(
    uri?: string | URL | Options,
    opts?: Options,
  ): Socket<ListenEvents, EmitEvents>;
  /** With a contract or extensions, which decide about the type of the socket. */
  <
    ListenEvents extends EventsMap = DefaultEventsMap,
    EmitEvents extends EventsMap = ListenEvents,
    const Xs extends readonly Extension[] = [],
  >(
    uri: string | URL | undefined,
    opts: Options & TypedOptions<ListenEvents, EmitEvents, Xs>,
  ): ExtendedSocket<ListenEvents, EmitEvents, Xs>;
  <
    ListenEvents extends EventsMap = DefaultEventsMap,
    EmitEvents extends EventsMap = ListenEvents,
    const Xs extends readonly Extension[] = [],
  >(
    opts: Options & TypedOptions<ListenEvents, EmitEvents, Xs>,
  ): ExtendedSocket<ListenEvents, EmitEvents, Xs>;
  /** What `ReturnType<typeof io>` sees: the last one. */
  (uri?: string | URL | Options, opts?: Options): Socket;
  readonly io: Io;
  readonly connect: Io;
  readonly Manager: typeof Manager;
  readonly Socket: typeof Socket;
  readonly protocol: typeof SOCKET_PROTOCOL;
}

/** An `io` that makes managers of this class. */
export function ioWith(Class: typeof Manager): Io {
  /** The managers that are shared, by server and path. */
  const managers = new Map<string, Manager>();
  const lookup = (
    uri?: string | URL | (Options & TypedSocketOptions),
    opts?: Options & TypedSocketOptions,
  ): Socket => {
    const [url = "", options = {}] = splitGiven(uri, opts);
    const { secure, host, port, path: namespace } = readUrl(url);
    const id = `http${secure ? "s" : ""}://${host}:${port}${options.path || DEFAULT_PATH}`;
    const shared = managers.get(id);
    const alone = options.forceNew || options.multiplex === false || shared?.nsps.has(namespace);
    const manager = (alone ? undefined : shared) ?? new Class(url, options);
    if (!alone) managers.set(id, manager);
    return manager.socket(namespace, options);
  };
  const io = lookup as Io;
  return Object.assign(io, { io, connect: io, Manager: Class, Socket, protocol: SOCKET_PROTOCOL });
}
