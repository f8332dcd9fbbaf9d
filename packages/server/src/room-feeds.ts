import type { IncomingMessage, ServerResponse } from "node:http";
import { Account, Addresses } from "@sockeye/engine/server";
import { type Clock, NamespaceError, type Timer } from "@sockeye/protocol";
import {
  type FeedItem,
  parseSince,
  type RoomFeed,
  type RoomSocket,
  type Rooms,
  type Since,
} from "@sockeye/rooms";
import { Continuations, loopOf, Turns } from "@sockeye/transport/server";
import type { LimitName } from "./channels.js";
import type { ServerLimits } from "./options.js";

/** Ms between two comments that keep proxies from ending a silent response; who has read nothing in between two of them is cut. */
const BEAT_MS = 15_000;
/** Ms after which an `EventSource` comes back. */
const RETRY_MS = 2000;
/** Ms that a reader has, once the server closes, to take what was written. */
const FAREWELL_MS = 5000;
const LATER = { "Retry-After": "5" };

/** What a URL asks for. */
export interface FeedRequest {
  readonly room: string;
  readonly nsp: string;
  readonly since: string | undefined;
}

/** What is around {@link RoomFeeds}. */
export interface FeedsHost {
  readonly clock: Clock;
  readonly limits: Pick<
    ServerLimits,
    "maxRoomFeeds" | "maxRoomFeedsPerAddress" | "maxHandshakesPerSecondPerAddress" | "maxProcessBytes"
  >;
  /** Ms that the app has to decide about a reader. */
  readonly connectTimeoutMs: number;
  /** Where a reader is, as sessions are counted. Must not throw. */
  addressOf(req: IncomingMessage): string | undefined;
  roomsOf(nsp: string): Rooms<RoomSocket> | undefined;
  /** A request was refused for a limit. Must not throw. */
  exceeded(limit: LimitName, error: NamespaceError, req: IncomingMessage): void;
  reportError(error: unknown, event: string): void;
}

/** Rooms as `text/event-stream`, each reader at its own pace: `GET <path>/rooms/<room>`. */
export class RoomFeeds {
  readonly #host: FeedsHost;
  readonly #addresses: Addresses;
  readonly #open = new Set<Reader>();
  /** Those about whom the app is still asked. */
  readonly #undecided = new Set<ServerResponse>();
  /** Those who begin: very many may have waited for one answer of the app's, or for what one room keeps. */
  readonly #beginning: Continuations;
  /** Both. */
  #count = 0;
  #isClosed = false;

  constructor(host: FeedsHost) {
    this.#host = host;
    const limits = {
      get maxSessionsPerAddress() {
        return host.limits.maxRoomFeedsPerAddress;
      },
      get maxHandshakesPerSecondPerAddress() {
        return host.limits.maxHandshakesPerSecondPerAddress;
      },
    };
    const addressOf = (req: IncomingMessage): string | undefined => host.addressOf(req);
    this.#addresses = new Addresses({ clock: host.clock, limits, addressOf });
    this.#beginning = new Continuations(new Turns(loopOf(host.clock)));
  }

  /** What a URL asks for, if it is a room. @param path of the server, without a slash at its end */
  find(url: string, path: string): FeedRequest | undefined {
    const prefix = `${path}/rooms/`;
    if (!url.startsWith(prefix)) return undefined;
    const [name = "", query = ""] = url.slice(prefix.length).split("?", 2);
    const params = new URLSearchParams(query);
    // A client whose path begins like that means no room.
    if (params.has("EIO")) return undefined;
    try {
      const room = decodeURIComponent(name);
      return { room, nsp: params.get("nsp") ?? "/", since: params.get("since") ?? undefined };
    } catch {
      return { room: "", nsp: "/", since: undefined };
    }
  }

  /** Answers a request whose origin was let in. */
  async serve(req: IncomingMessage, res: ServerResponse, asked: FeedRequest): Promise<void> {
    if (req.method !== "GET") return refuse(res, 405, { Allow: "GET" });
    if (this.#isClosed) return refuse(res, 503, LATER);
    const limit = this.#exceededBy(req);
    if (limit !== undefined) {
      this.#host.exceeded(
        limit,
        new NamespaceError("ERR_ROOM_LIMIT", `a reader was refused by ${limit}`),
        req,
      );
      return refuse(res, limit === "maxRoomFeeds" ? 503 : 429, LATER);
    }
    const place = this.#addresses.reserve(req);
    this.#count++;
    this.#undecided.add(res);
    const { clock, connectTimeoutMs } = this.#host;
    const late = clock.setTimer(() => refuse(res, 503, LATER), connectTimeoutMs);
    const decided = (): void => {
      clock.clearTimer(late);
      this.#undecided.delete(res);
    };
    res.once("close", () => {
      this.#count--;
      place?.free();
      decided();
    });
    const failed = (error: unknown): void => {
      decided();
      // The engine of a cluster cannot be reached.
      if ((error as { readonly code?: unknown } | null)?.code === "ERR_ROOM_LIMIT") refuse(res, 503, LATER);
      else {
        this.#host.reportError(error, asked.room);
        refuse(res, 500);
      }
    };
    try {
      const begin = await this.#decide(req, res, asked);
      if (begin === undefined) {
        decided();
        return;
      }
      const goOn = (): void => {
        try {
          // Meanwhile it may have gone, or this is closed.
          if (!res.destroyed && !res.headersSent) begin();
          decided();
        } catch (error) {
          failed(error);
        }
      };
      if (this.#beginning.goesOn()) goOn();
      else this.#beginning.add(goOn);
    } catch (error) {
      failed(error);
    }
  }

  #exceededBy(req: IncomingMessage): LimitName | undefined {
    if (this.#count >= this.#host.limits.maxRoomFeeds) return "maxRoomFeeds";
    const error = this.#addresses.handshake(req);
    if (error === undefined) return undefined;
    const isRate = error.code === "ERR_TOO_MANY_HANDSHAKES";
    return isRate ? "maxHandshakesPerSecondPerAddress" : "maxRoomFeedsPerAddress";
  }

  /** Ends all: their readers come back, to another server if there is one. */
  close(): void {
    this.#isClosed = true;
    for (const res of [...this.#undecided]) refuse(res, 503, LATER);
    for (const reader of [...this.#open]) reader.end();
  }

  /** @returns begins; nothing if it was answered */
  async #decide(
    req: IncomingMessage,
    res: ServerResponse,
    { room, nsp, since: wanted }: FeedRequest,
  ): Promise<(() => void) | undefined> {
    const rooms = this.#host.roomsOf(nsp);
    const exposure = rooms?.exposure(room);
    const resumed = req.headers["last-event-id"];
    const since = parseSince((typeof resumed === "string" && resumed) || wanted);
    const granted =
      exposure !== undefined && (await exposure.authorize(req, { room, params: exposure.params })) === true;
    const isOver = (): boolean => res.destroyed || res.headersSent;
    if (isOver()) return undefined;
    // A client that may not read it gets the same answer as for a room that does not exist.
    if (!granted || rooms === undefined) refuse(res, 404);
    else if (since === undefined) refuse(res, 400);
    else {
      const opening = rooms.open(room, since);
      if (opening) await opening;
      if (!isOver()) return () => this.#begin(res, { rooms, room, since });
    }
    return undefined;
  }

  #begin(
    res: ServerResponse,
    { rooms, room, since }: { rooms: Rooms<RoomSocket>; room: string; since: Since },
  ): void {
    const { clock, limits } = this.#host;
    const failed = (error: unknown): void => this.#host.reportError(error, room);
    const reader = new Reader(res, { clock, maxProcessBytes: limits.maxProcessBytes, failed });
    const feed = rooms.follow(room, since, () => reader.pump());
    if (feed === undefined) {
      refuse(res, 404);
      return;
    }
    this.#open.add(reader);
    res.once("close", () => {
      this.#open.delete(reader);
      reader.closed();
    });
    res.on("error", () => {});
    res.writeHead(200, {
      "Content-Type": "text/event-stream; charset=utf-8",
      "Cache-Control": "no-store",
      // nginx would hold back what is small.
      "X-Accel-Buffering": "no",
      "X-Content-Type-Options": "nosniff",
    });
    reader.begin(feed);
  }
}

interface ReaderTerms {
  readonly clock: Clock;
  readonly maxProcessBytes: number;
  readonly failed: (error: unknown) => void;
}

/** One response. It asks for the next event once the network has taken the last: a slow reader costs one event beyond what the network holds. */
class Reader {
  readonly #res: ServerResponse;
  readonly #terms: ReaderTerms;
  /** What waits for it, in the budget of the process. */
  readonly #account: Account;
  #feed: RoomFeed | undefined;
  #timer: Timer | undefined;
  #isBehind = false;
  /** Was it behind at the last beat, too, and has read nothing since? */
  #isLate = false;

  constructor(res: ServerResponse, terms: ReaderTerms) {
    this.#res = res;
    this.#terms = terms;
    const holder = {
      heldBytes: () => (this.#isBehind && !res.destroyed ? res.writableLength : 0),
      eachPacket: () => {},
      shed: () => void res.destroy(),
    };
    this.#account = new Account(holder, terms.maxProcessBytes);
  }

  begin(feed: RoomFeed): void {
    this.#feed = feed;
    this.#res.on("drain", () => {
      this.#isBehind = false;
      this.#isLate = false;
      this.#account.refresh();
      this.pump();
    });
    this.#write(Buffer.from(`retry: ${RETRY_MS}\n\n`));
    this.#beatLater();
    this.pump();
  }

  pump(): void {
    try {
      while (!this.#isBehind) {
        const item = this.#feed?.next();
        if (item === undefined) return;
        this.#write(bytesOf(item));
      }
    } catch (error) {
      this.#terms.failed(error);
      this.#res.destroy();
    }
  }

  end(): void {
    this.closed();
    this.#res.end();
    // A client that reads nothing must not keep the HTTP server from its end.
    this.#timer = this.#terms.clock.setTimer(() => this.#res.destroy(), FAREWELL_MS);
  }

  closed(): void {
    this.#feed?.close();
    this.#feed = undefined;
    if (this.#timer !== undefined) this.#terms.clock.clearTimer(this.#timer);
    this.#account.refresh();
  }

  #write(bytes: Buffer): void {
    if (this.#res.write(bytes)) return;
    this.#isBehind = true;
    this.#account.refresh();
  }

  #beatLater(): void {
    this.#timer = this.#terms.clock.setTimer(() => {
      if (this.#isLate) {
        this.#res.destroy();
        return;
      }
      if (this.#isBehind) this.#isLate = true;
      else this.#write(BEAT);
      this.#beatLater();
    }, BEAT_MS);
  }
}

const BEAT = Buffer.from(":\n\n");

/** The bytes of each item, the same for all readers of a room. */
const encoded = new WeakMap<FeedItem, Buffer>();

function bytesOf(item: FeedItem): Buffer {
  let bytes = encoded.get(item);
  if (bytes === undefined) {
    bytes = Buffer.from(textOf(item));
    encoded.set(item, bytes);
  }
  return bytes;
}

/** JSON has no line breaks of its own, so that it is one line of `data`. */
function textOf(item: FeedItem): string {
  const id = `id: ${item.position}\n`;
  return "complete" in item
    ? `event: joined\n${id}data: ${JSON.stringify(item)}\n\n`
    : `${id}data: ${JSON.stringify(item, bytesAsText)}\n\n`;
}

/** Bytes are base64. */
function bytesAsText(this: unknown, key: string, value: unknown): unknown {
  const given = (this as Readonly<Record<string, unknown>>)[key];
  return given instanceof Uint8Array ? Buffer.from(given).toString("base64") : value;
}

function refuse(res: ServerResponse, status: number, headers: Record<string, string> = {}): void {
  if (!res.headersSent) res.writeHead(status, { "Content-Type": "text/plain", ...headers }).end();
}
