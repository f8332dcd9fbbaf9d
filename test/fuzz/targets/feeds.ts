import { type IncomingMessage, request } from "node:http";
import { CodecError } from "@sockeye/protocol";
import type { Server } from "@sockeye/server";
import { type Site, startSite } from "../../support/servers.js";
import { within } from "../../support/wait.js";
import { mutateText } from "../mutate.js";
import type { Random } from "../random.js";
import { check, type Target, target } from "../target.js";
import { text, value } from "../values.js";

/** What is said in rooms, and who then reads one of them over plain HTTP. */
interface FeedInput {
  readonly events: readonly (readonly [room: string, ...args: unknown[]])[];
  readonly path: string;
  /** The header `Last-Event-ID`. */
  readonly last: string;
}

const ROOMS = ["news:a", "news:", "news:€\n\n", "last", "closed", "news:__proto__", "nobody"];
const SINCES = [
  "last:5",
  "last:0",
  "last:-1",
  "last:1e9",
  "10m",
  "0m",
  "abcdefgh.1",
  "abcdefgh.-1",
  ".",
  "",
  "%",
];
const TOKENS = [
  "/",
  "%",
  "%0A",
  "%00",
  "%zz",
  "?",
  "&",
  "=",
  "EIO",
  "nsp=/admin",
  "since=",
  ":",
  "+",
  "#",
  "../",
  ".",
];
const STATUS: ReadonlySet<number | undefined> = new Set([200, 400, 404, 414, 503]);

let site: Site | undefined;
let fences = 0;

/** Rooms as `text/event-stream`: addresses, positions and what is said, at a server that listens. */
export const feeds: Target = target<FeedInput>({
  name: "feeds",
  cases: 500,
  begin: async () => {
    const limits = {
      maxRoomFeeds: 1000,
      maxRoomFeedsPerAddress: 1000,
      maxHandshakesPerSecondPerAddress: 1e9,
    };
    site = await startSite("sockeye", { limits } as never);
    const io = ours(site);
    io.room("news:+", { keep: { count: 5 }, expose: { sse: true, authorize: () => true } });
    io.room("last", { keep: "last", expose: { sse: true, authorize: () => true } });
    io.room("closed", { keep: {}, authorize: () => true });
  },
  end: async () => site?.end(),
  generate: (random) => {
    const said = (): FeedInput["events"][number] => [random.pick(ROOMS), text(random), value(random)];
    const events = JSON.parse(JSON.stringify(random.list(random.below(12), said)));
    const since = random.chance(0.7) ? `?since=${random.pick(SINCES)}` : "";
    const path = `${encodeURIComponent(random.pick(ROOMS))}${since}`;
    return {
      events,
      path: odd(random, path),
      last: random.chance(0.5) ? odd(random, random.pick(SINCES)) : "",
    };
  },
  run: async ({ events, path, last }, meter) => {
    if (site === undefined) throw new Error("no server");
    const io = ours(site);
    for (const [room, ...args] of events)
      meter.outcome(() => io.to(room).emit("said", ...args), isUnencodable);
    await within(read(site, path, last), "a response that says where its room is");
  },
});

/** Some of what is said is deeper than an event may be. */
function isUnencodable(error: unknown): boolean {
  return error instanceof CodecError && error.code === "ERR_UNENCODABLE";
}

function ours(site: Site): Server {
  return site.io as unknown as Server;
}

/** What a client of HTTP lets through. */
function odd(random: Random, whole: string): string {
  const changed = random.chance(0.4) ? mutateText(random, whole, TOKENS) : whole;
  return changed.replace(/[^\x21-\x7e]/g, "").slice(0, 3000);
}

async function read(site: Site, path: string, last: string): Promise<void> {
  const req = request(`${site.url}/socket.io/rooms/x`, {
    path: `/socket.io/rooms/${path}`,
    headers: last === "" ? {} : { "Last-Event-ID": last },
    agent: false,
  });
  try {
    const res = await new Promise<IncomingMessage>((resolve, reject) => {
      req.on("response", resolve).on("error", reject).end();
    });
    check(STATUS.has(res.statusCode), "another status", () => res.statusCode);
    if (res.statusCode === 200 && res.headers["content-type"]?.startsWith("text/event-stream")) {
      await follow(site, decodeURIComponent(path.split("?", 1)[0] ?? ""), res);
    }
  } finally {
    req.on("error", () => {});
    req.destroy();
  }
}

/** Each block is one message: nothing that was said can end it, or name another field. */
async function follow(site: Site, room: string, res: IncomingMessage): Promise<void> {
  const fence = `fence-${++fences}`;
  ours(site).to(room).emit("said", fence);
  let rest = "";
  let seen = 0;
  let before = 0;
  for await (const chunk of res.setEncoding("utf8")) {
    const blocks = `${rest}${chunk}`.split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const fields = block.split("\n").map((line) => /^(retry|event|id|data|): ?([^\r\n]*)$/.exec(line));
      check(!fields.includes(null), "a line that is no field", () => block);
      const data = fields.find((field) => field?.[1] === "data")?.[2];
      if (data === undefined) continue;
      const said: unknown = JSON.parse(data);
      check(fields.filter((field) => field?.[1] === "data").length === 1, "two lines of data", () => block);
      const { args } = said as { args?: unknown[] };
      const number = Number.parseInt(
        /\.(\w+)$/.exec(fields.find((field) => field?.[1] === "id")?.[2] ?? "")?.[1] ?? "",
        36,
      );
      if (args === undefined) before = 0;
      else check(number > before, "an event out of order", () => block);
      if (args !== undefined) before = number;
      if (args?.[0] === fence) seen++;
    }
    if (seen > 0) break;
  }
  check(seen === 1, "the fence came another number of times", () => seen);
}
