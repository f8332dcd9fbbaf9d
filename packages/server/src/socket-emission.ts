import type { OverflowPolicy, Room } from "@sockeye/protocol";
import type {
  EmitTarget,
  EventNames,
  EventParams,
  EventsMap,
  WaitOptions,
  WithTimeout,
} from "@sockeye/socket";
import { Flagged } from "@sockeye/socket";
import { BroadcastOperator } from "./broadcast.js";
import type { Selection } from "./selection.js";

/** A socket as a target of emits, which can name others too. */
export interface SocketTarget extends EmitTarget {
  /** Everybody in the namespace but the socket itself. */
  others(): Selection;
}

// For editors, as in broadcast.ts.
// biome-ignore lint/correctness/noUnusedVariables: both declarations have the same type parameters
export interface SocketEmission<EmitEvents extends EventsMap, SocketData> {
  /** Emits with these flags, to the socket. @throws UsageError `ERR_RESERVED_EVENT`; CodecError `ERR_UNENCODABLE` */
  emit<Ev extends EventNames<EmitEvents>>(event: Ev, ...args: EventParams<EmitEvents, Ev>): boolean;
}

/** What `socket.volatile`, `socket.timeout(…)` and the like return: the socket with flags, as a value. */
// biome-ignore lint/suspicious/noUnsafeDeclarationMerging: the class has the method, from its base
export class SocketEmission<EmitEvents extends EventsMap, SocketData> extends Flagged<
  EmitEvents,
  SocketTarget
> {
  /** The acknowledgement gets an error as its first argument, `ERR_ACK_TIMEOUT` if it does not come within `timeoutMs`; `Infinity` waits as long as the connection lives. */
  timeout(timeoutMs: number, options?: WaitOptions): SocketEmission<WithTimeout<EmitEvents>, SocketData> {
    return this.with({ ...options, timeout: timeoutMs }) as unknown as SocketEmission<
      WithTimeout<EmitEvents>,
      SocketData
    >;
  }

  /** What becomes of the event if the client reads too slowly. */
  overflow(policy: OverflowPolicy): this {
    return this.with({ overflow: policy });
  }

  /** All others in the namespace. */
  get broadcast(): BroadcastOperator<EmitEvents, SocketData> {
    return new BroadcastOperator(this.target.others(), this.flags);
  }

  /** Selects the other sockets of this node. */
  get local(): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.local;
  }

  /** Selects the other members of one or several rooms. */
  to(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.to(room);
  }

  /** The same as {@link to}. */
  in(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.to(room);
  }

  /** Selects all other sockets but the members of one or several rooms. */
  except(room: Room | readonly Room[]): BroadcastOperator<EmitEvents, SocketData> {
    return this.broadcast.except(room);
  }
}
