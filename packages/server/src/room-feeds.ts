import type { IncomingMessage, ServerResponse } from "node:http";
import type { Clock, Timer } from "@sockeye/protocol";
import {
  type FeedItem,
  parseSince,
  type RoomFeed,
  type RoomSocket,
  type Rooms,
  type Since,
} from "@sockeye/rooms";

/** Ms between two comments that keep proxies from ending a silent response; who has read nothing in between two of them is cut. */
const BEAT_MS = 15_000;
/** Ms after which an `EventSource` comes back. */
const RETRY_MS = 2000;

/** What a URL asks for. */
export interface FeedRequest {
  readonly room: string;
  readonly nsp: string;
  readonly since: string | undefined;
}

/** What is around {@link RoomFeeds}. */
export interface FeedsHost {
  readonly clock: Clock;
  readonly maxRoomFeeds: number;
  roomsOf(nsp: string): Rooms<RoomSocket> | undefined;
  reportError(error: unknown, event: string): void;
}

/** Rooms as `text/event-stream`, each reader at its own pace: `GET <path>/rooms/<room>`. */
export class RoomFeeds {
  readonly #host: FeedsHost;
  readonly #open = new Set<Reader>();
  /** Those who wait for the app's decision count, too. */
  #count = 0;
  #isClosed = false;

  constructor(host: FeedsHost) {
    this.#host = host;
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
    if (this.#isClosed || this.#count >= this.#host.maxRoomFeeds)
      return refuse(res, 503, { "Retry-After": "5" });
    this.#count++;
    res.once("close", () => this.#count--);
    const rooms = this.#host.roomsOf(asked.nsp);
    const exposure = rooms?.exposure(asked.room);
    const resumed = req.headers["last-event-id"];
    const since = parseSince((typeof resumed === "string" && resumed) || asked.since);
    try {
      const { room } = asked;
      const granted =
        exposure !== undefined && (await exposure.authorize(req, { room, params: exposure.params })) === true;
      if (res.destroyed || res.headersSent) return;
      // A client that may not read it gets the same answer as for a room that does not exist.
      if (!granted || rooms === undefined) return refuse(res, 404);
      if (since === undefined) return refuse(res, 400);
      const opening = rooms.open(room, since);
      if (opening) await opening;
      if (res.destroyed) return;
      if (this.#isClosed) return refuse(res, 503);
      this.#begin(res, { rooms, room, since });
    } catch (error) {
      // The engine of a cluster cannot be reached.
      if ((error as { readonly code?: unknown } | null)?.code === "ERR_ROOM_LIMIT")
        return refuse(res, 503, { "Retry-After": "5" });
      this.#host.reportError(error, asked.room);
      refuse(res, 500);
    }
  }

  /** Ends all: their readers come back, to another server if there is one. */
  close(): void {
    this.#isClosed = true;
    for (const reader of [...this.#open]) reader.end();
  }

  #begin(
    res: ServerResponse,
    { rooms, room, since }: { rooms: Rooms<RoomSocket>; room: string; since: Since },
  ): void {
    const reader = new Reader(res, this.#host.clock, (error) => this.#host.reportError(error, room));
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

/** One response. It asks for the next event once the network has taken the last: a slow reader costs one event beyond what the network holds. */
class Reader {
  readonly #res: ServerResponse;
  readonly #clock: Clock;
  readonly #failed: (error: unknown) => void;
  #feed: RoomFeed | undefined;
  #beat: Timer | undefined;
  #isBehind = false;
  /** Was it behind at the last beat, too, and has read nothing since? */
  #isLate = false;

  constructor(res: ServerResponse, clock: Clock, failed: (error: unknown) => void) {
    this.#res = res;
    this.#clock = clock;
    this.#failed = failed;
  }

  begin(feed: RoomFeed): void {
    this.#feed = feed;
    this.#res.on("drain", () => {
      this.#isBehind = false;
      this.#isLate = false;
      this.pump();
    });
    this.#write(`retry: ${RETRY_MS}\n\n`);
    this.#beatLater();
    this.pump();
  }

  pump(): void {
    try {
      while (!this.#isBehind) {
        const item = this.#feed?.next();
        if (item === undefined) return;
        this.#write(textOf(item));
      }
    } catch (error) {
      this.#failed(error);
      this.#res.destroy();
    }
  }

  end(): void {
    this.closed();
    this.#res.end();
  }

  closed(): void {
    this.#feed?.close();
    this.#feed = undefined;
    if (this.#beat !== undefined) this.#clock.clearTimer(this.#beat);
  }

  #write(text: string): void {
    if (!this.#res.write(text)) this.#isBehind = true;
  }

  #beatLater(): void {
    this.#beat = this.#clock.setTimer(() => {
      if (this.#isLate) {
        this.#res.destroy();
        return;
      }
      if (this.#isBehind) this.#isLate = true;
      else this.#write(":\n\n");
      this.#beatLater();
    }, BEAT_MS);
  }
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
