import { roomLevels, roomMatcher, UsageError } from "@sockeye/protocol";
import type { ContractFor } from "@sockeye/socket";
import type { Items } from "./describe.js";
import { End } from "./end.js";
import type {
  ClientEmits,
  ClientListens,
  ContractParts,
  DataOf,
  ServerEmits,
  ServerListens,
  Shown,
} from "./types.js";

/** One description of what travels, for both ends: types for the compiler, and checks at run time. */
export interface Contract<Parts extends ContractParts = ContractParts> {
  readonly toServer: Parts["toServer"] extends Items ? Parts["toServer"] : Record<never, never>;
  readonly toClient: Parts["toClient"] extends Items ? Parts["toClient"] : Record<never, never>;
  readonly rooms: Parts["rooms"] extends readonly string[] ? Parts["rooms"] : readonly [];
  /** For `new Server(http, { contract })` and `io.of(name, contract)`. */
  readonly server: ContractFor<Shown<ServerListens<Parts>>, Shown<ServerEmits<Parts>>, DataOf<Parts>>;
  /** For `io(url, { contract })`. */
  readonly client: ContractFor<Shown<ClientListens<Parts>>, Shown<ClientEmits<Parts>>>;
}

/**
 * Describes what travels in one namespace.
 *
 * What comes in is checked at its receiver, once, before its handlers: they get what the schemas make of it. A call that does not keep to
 * the contract is answered with `ERR_INVALID`; such an event is dropped, and told to `io.on("error")` at a server, to `reportError` of the
 * platform at a client. What goes out is checked in development. Clients may ask for the rooms that `rooms` declares, and for no others.
 *
 * ```ts
 * export const chat = contract({
 *   toServer: { say: event(z.string().max(500)), rename: call(z.string(), { answer: User }) },
 *   toClient: { said: event(Message) },
 * });
 * ```
 *
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function contract<const Parts extends ContractParts>(parts: Parts): Contract<Parts> {
  const { toServer = {}, toClient = {}, rooms, unknown = "refuse" } = parts;
  if (unknown !== "refuse" && unknown !== "pass")
    throw new UsageError("ERR_BAD_OPTION", `unknown is "refuse" or "pass", not ${String(unknown)}`);
  const passesUnknown = unknown === "pass";
  const terms = { passesUnknown, ...(rooms && !passesUnknown && { rooms: rooms.map(matcherOf) }) };
  const described: unknown = {
    toServer,
    toClient,
    rooms: rooms ?? [],
    server: new End(toServer, toClient, terms),
    client: new End(toClient, toServer, terms),
  };
  return described as Contract<Parts>;
}

function matcherOf(pattern: unknown): RegExp {
  if (typeof pattern !== "string" || pattern === "")
    throw new UsageError("ERR_BAD_OPTION", `rooms are names or patterns, not ${JSON.stringify(pattern)}`);
  return roomMatcher(roomLevels(pattern));
}
