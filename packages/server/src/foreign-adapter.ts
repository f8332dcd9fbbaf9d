import { Adapter, RecoveryAdapter } from "@sockeye/adapter";
import type { Codec, EventPacket, Frame, Room, SocketId } from "@sockeye/protocol";
import { CodecError, EncodedPacket, REPORT } from "@sockeye/protocol";
import type { Unchecked } from "@sockeye/socket";
import { isThenable } from "@sockeye/socket";
import { keepsNoLog } from "./foreign-log.js";
import { ForeignView } from "./foreign-view.js";
import { shareable } from "./shareable.js";
import type { Socket } from "./socket.js";

/**
 * An adapter that was made for Socket.IO: `Adapter` of `socket.io-adapter`, or a class derived from it, as the adapters for
 * Redis, Node's cluster and others are. It has the methods of ours but those of a log.
 *
 * It reaches further into the server than ours do. What it finds there, by Socket.IO's names: `server.encoder` and
 * `server.opts`; `_ids` and `_onServerSideEmit` of the namespace; `acks`, `notifyOutgoingListeners` and
 * `client.writeToEngine` of the sockets.
 */
export interface ForeignAdapter {
  readonly rooms: Map<Room, Set<SocketId>>;
  readonly sids: Map<SocketId, Set<Room>>;
  broadcast(packet: Unchecked, options: Unchecked): unknown;
  serverSideEmit(args: Unchecked[]): unknown;
  restoreSession(pid: Unchecked, offset: Unchecked): unknown;
}

/** Makes any adapter one of ours. */
export function adopt(made: Adapter | ForeignAdapter): Adapter {
  const adapter = made as Adapter;
  if (![adapter.position, adapter.settle, adapter.flush].every((method) => typeof method === "function")) {
    keepsNoLog(adapter);
    showViews(adapter);
    guard(adapter);
  } else if (!OWN.has(adapter.constructor)) {
    guard(adapter);
  }
  return adapter;
}

/** Those that need no guard. One that the app has derived from them may do anything. */
const OWN: ReadonlySet<unknown> = new Set([Adapter, RecoveryAdapter]);

/** By which adapters of Socket.IO go through the sockets that are meant, whatever for. */
interface Applying {
  apply?(options: unknown, each: (socket: unknown) => void): void;
}

/** They see each socket as a {@link ForeignView}; the app gets the sockets themselves. */
function showViews(adapter: Adapter & Applying): void {
  const { apply, fetchSockets } = adapter;
  if (typeof apply !== "function") return;
  adapter.apply = (options, each) => {
    apply.call(adapter, options, (socket) => each(new ForeignView(socket as Socket)));
  };
  adapter.fetchSockets = async (options) => {
    const found: unknown[] = await fetchSockets.call(adapter, options);
    return found.map((socket) => (socket instanceof ForeignView ? socket.socket : (socket as Socket)));
  };
}

/** By which they take and answer what came from other servers. They are called from listeners of theirs. */
const INPUTS = [
  "onmessage",
  "onrequest",
  "onresponse",
  "onMessage",
  "onResponse",
  "onRawMessage",
  "publishResponse",
];

/** By which the server acts. Some are `async` there, and none of them is awaited here. */
const OUTPUTS = [
  "broadcast",
  "broadcastWithAck",
  "addSockets",
  "delSockets",
  "disconnectSockets",
  "persistSession",
];

/** An app may await the promises of these methods, or ignore them: the server calls them too, and apps rarely wait for a room. */
const ROOMS = ["addAll", "del", "delAll"];

/**
 * What they throw where nobody catches it, and what their promises reject with, is reported: it would end the process, and other
 * software writes to the bus, too.
 */
function guard(adapter: Adapter): void {
  const methods = adapter as unknown as Record<string, unknown>;
  const failed = (error: unknown): void => adapter.nsp[REPORT](error, "adapter");
  for (const name of OUTPUTS) {
    wrap(methods, name, (call, [said]) => {
      dropUndefined(said);
      return watched(call(), failed);
    });
  }
  for (const name of ROOMS) {
    wrap(methods, name, (call) => {
      const result = call();
      // Code that awaits it hears of it as well.
      watched(result, failed);
      return result;
    });
  }
  for (const name of INPUTS) {
    wrap(methods, name, (call) => {
      try {
        return watched(call(), failed);
      } catch (error) {
        failed(error);
        return undefined;
      }
    });
  }
  wrap(methods, "serverSideEmit", (call, [args]) => {
    requireShareable(args);
    return watched(call(), failed);
  });
}

function wrap(
  methods: Record<string, unknown>,
  name: string,
  around: (call: () => unknown, args: readonly unknown[]) => unknown,
): void {
  const method = methods[name];
  if (typeof method !== "function") return;
  methods[name] = (...args: unknown[]) => around(() => method.apply(methods, args) as unknown, args);
}

/**
 * A packet or session that has a property without a value is another one for those who write it as BSON: there it has `null`, and a packet whose id
 * is `null` gets no offset. Socket.IO's have no such properties, and its sessions always have data.
 */
function dropUndefined(said: unknown): void {
  const fields = said as Record<string, unknown>;
  if ("sid" in fields) fields["data"] ??= {};
  for (const name of Object.keys(fields)) if (fields[name] === undefined) delete fields[name];
}

function watched(result: unknown, failed: (error: unknown) => void): unknown {
  return isThenable(result) ? result.then(undefined, failed) : result;
}

/** @throws CodecError `ERR_UNENCODABLE`: the caller is to hear of it, and not a listener on another server */
function requireShareable(args: unknown): void {
  const event = (args as readonly unknown[])[0];
  let why: string | undefined;
  shareable(args, "arguments", (path, what) => {
    why ??= `${path} ${what}`;
  });
  if (why !== undefined) {
    throw new CodecError("ERR_UNENCODABLE", `"${String(event)}" cannot be sent to other servers: ${why}`);
  }
}

/** What {@link BareEncoder} has encoded, by the frames that it gave out. */
const whole = new WeakMap<readonly Frame[], EncodedPacket>();

/** A packet without an id, as it comes from another node. */
type NullId = Omit<EventPacket, "id"> & { readonly id: null };

/** `server.encoder` for foreign adapters: a packet as frames without the engine's envelope. */
export class BareEncoder {
  readonly #codec: Codec;
  readonly #failed: (error: unknown, packet: EventPacket) => void;

  /** @param failed told of packets that cannot be encoded. Must not throw */
  constructor(codec: Codec, failed: (error: unknown, packet: EventPacket) => void) {
    this.#codec = codec;
    this.#failed = failed;
  }

  /**
   * Never throws: such adapters call it from listeners and promises of their own, where an exception would end the process.
   *
   * @returns no frame if it cannot be encoded
   */
  encode(packet: EventPacket | NullId): readonly Frame[] {
    try {
      // What has crossed nodes in a form without `undefined` has `null` there.
      const encoded = this.#codec.encode(packet.id === null ? { ...packet, id: undefined } : packet);
      const { head, attachments } = encoded;
      const frames = [typeof head === "string" ? head.slice(1) : head, ...attachments];
      whole.set(frames, encoded);
      return frames;
    } catch (error) {
      this.#failed(error, { ...packet, id: undefined });
      return [];
    }
  }
}

/** The packet of these frames, the same for all receivers. `undefined` if there is no frame. */
export function enveloped(
  frames: readonly Frame[],
  compress: boolean | undefined,
): EncodedPacket | undefined {
  const known = whole.get(frames);
  if (known && known.compress === (compress ?? true)) return known;
  const [head, ...attachments] = frames;
  if (head === undefined) return undefined;
  const packet = new EncodedPacket(
    typeof head === "string" ? `4${head}` : head,
    attachments as Uint8Array[],
    compress,
  );
  whole.set(frames, packet);
  return packet;
}
