import { readDuration, UsageError } from "@sockeye/protocol";
import type { PresenceChange } from "./presence-list.js";
import type { Keep } from "./room-log.js";

/** What a client asks of a room. */
export type RoomAction = "join" | "publish" | "presence" | "history";

/** A request of a client, as `authorize` sees it. */
export interface RoomRequest {
  readonly room: string;
  readonly action: RoomAction;
  /** What stands in the room's name for each `+` and `#` of the rule, or what the groups of its regular expression have found. */
  readonly params: readonly string[];
}

/** What a client publishes, as `onPublish` sees it: the contract has taken it, and `authorize` too. */
export interface RoomPublication {
  readonly room: string;
  /** @see RoomRequest.params */
  readonly params: readonly string[];
  readonly event: string;
  /** As the schemas of the contract have read them. */
  readonly args: readonly unknown[];
  /** The name that its publisher gave it. */
  readonly id: string | undefined;
}

/** A request over plain HTTP: Node's `IncomingMessage`, as far as it is needed here. */
export interface PlainRequest {
  readonly url?: string | undefined;
  readonly headers: {
    readonly authorization?: string | undefined;
    readonly cookie?: string | undefined;
    readonly [name: string]: string | string[] | undefined;
  };
}

/** A room that is read over plain HTTP, as `text/event-stream`. */
export interface Expose {
  readonly sse: true;
  /** May the sender of this request read the room? `true` says yes; anything else is answered as if there were no such room. */
  authorize(req: PlainRequest, request: Pick<RoomRequest, "room" | "params">): boolean | PromiseLike<boolean>;
}

/** `true` lets a publication pass, a list takes the place of its arguments, and anything else refuses it. */
export type PublishVerdict = boolean | readonly unknown[];

/** How much of a room is kept; each bound that is left out has its default. */
export interface KeepOptions {
  /** Events, 100 unless it is said otherwise. */
  readonly count?: number;
  /** In ms, or as text: `"90s"`, `"10m"`, `"24h"`, `"7d"`. 24 hours unless it is said otherwise. */
  readonly age?: number | string;
  /** As they were encoded, 1 MiB unless it is said otherwise. */
  readonly bytes?: number;
}

/** What the rooms of one name or pattern may do beyond joining and leaving. */
export interface RoomRule<Socket> {
  /** Keeps events for those who come later. `"last"`: only the newest one, which each new member gets at once. */
  readonly keep?: KeepOptions | "last";
  /** Who a socket is to the others in the room: its key, on which a person's tabs fold. `undefined`: it is not shown. */
  readonly presence?: (socket: Socket) => string | undefined;
  /**
   * May this client do this? The answer is kept for the socket and room until `revoke()`. Without it, clients may do nothing; the server may.
   */
  readonly authorize?: (socket: Socket, request: RoomRequest) => boolean | PromiseLike<boolean>;
  /**
   * Looks at each event that a client publishes here, before it is kept and sent. What is tried again is not shown again. While it decides,
   * later publications of the socket wait. A `CallError` that it throws reaches the publisher, with its code and data.
   */
  readonly onPublish?: (
    socket: Socket,
    publication: RoomPublication,
  ) => PublishVerdict | PromiseLike<PublishVerdict>;
  /** Lets the room be read by `GET <path>/rooms/<room>`, with `EventSource` or `curl -N`. Only where `keep` holds. Default: it is not. */
  readonly expose?: Expose;
  /** Hears who came, changed and went, as the members do: many at once. On a cluster each node calls it that follows the room. */
  readonly onPresence?: (change: PresenceChange, at: { readonly room: string }) => void;
}

/** A rule as it is used. */
export interface Rule<Socket> {
  readonly keep: Keep | undefined;
  /** Does a client that asks for nothing get the newest event? */
  readonly last: boolean;
  readonly presence: RoomRule<Socket>["presence"];
  readonly authorize: RoomRule<Socket>["authorize"];
  readonly onPublish: RoomRule<Socket>["onPublish"];
  readonly onPresence: RoomRule<Socket>["onPresence"];
  readonly expose: RoomRule<Socket>["expose"];
}

const DAY_MS = 86_400_000;
const MEBIBYTE = 1 << 20;

/** @throws UsageError `ERR_BAD_OPTION` */
export function readRule<Socket>(options: RoomRule<Socket>): Rule<Socket> {
  for (const name of ["presence", "authorize", "onPublish", "onPresence"] as const) {
    const given: unknown = options[name];
    if (given !== undefined && typeof given !== "function") throw bad(`${name} must be a function`);
  }
  const { keep, presence, authorize, onPublish, onPresence, expose } = options;
  if (expose !== undefined && (expose?.sse !== true || typeof expose.authorize !== "function"))
    throw bad("expose must be { sse: true, authorize(req) }");
  if (expose !== undefined && keep === undefined) throw bad("expose needs keep");
  return { keep: readKeep(keep), last: keep === "last", presence, authorize, onPublish, onPresence, expose };
}

function readKeep(keep: KeepOptions | "last" | undefined): Keep | undefined {
  if (keep === undefined) return undefined;
  if (keep === "last") return { count: 1, ageMs: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY };
  if (typeof keep !== "object" || keep === null) throw bad('keep must be an object or "last"');
  const { count = 100, age = DAY_MS, bytes = MEBIBYTE } = keep;
  const ageMs = readDuration(age);
  if (!isWhole(count)) throw bad("keep.count must be a whole number above 0");
  if (!isWhole(bytes)) throw bad("keep.bytes must be a whole number above 0");
  if (ageMs === undefined) throw bad('keep.age must be milliseconds, or a text as "10m" or "24h"');
  return { count, ageMs, bytes };
}

function isWhole(value: unknown): boolean {
  return Number.isSafeInteger(value) && (value as number) > 0;
}

function bad(why: string): UsageError {
  return new UsageError("ERR_BAD_OPTION", `The rule of a room is not taken: ${why}`);
}
