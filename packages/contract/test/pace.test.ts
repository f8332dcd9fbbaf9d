// How long an event waits beside an upload, on lines that are computed.
import { expect, it } from "vitest";
import { Pace, PIECE } from "../src/streams/pace.js";

const WINDOW = 262_144;

interface Line {
  readonly rttMs: number;
  readonly mbit: number;
}

/** Uploads for so long. @returns how long an echo takes at each moment, in ms, and the bytes that were taken in a ms */
function upload(lineAt: (now: number) => Line, forMs: number) {
  const pace = new Pace();
  const taken: { at: number; read: number }[] = [];
  const echoes: number[] = [];
  let [now, free, sent, read] = [0, 0, 0, 0];
  while (now < forMs) {
    const { rttMs, mbit } = lineAt(now);
    while (sent - read + PIECE <= WINDOW && pace.room(now) > 0) {
      pace.sent(PIECE, now);
      sent += PIECE;
      free = Math.max(free, now) + PIECE / (mbit * 125);
      taken.push({ at: free + rttMs, read: sent });
      echoes.push((free - now + rttMs) / rttMs);
    }
    const next = taken.shift();
    if (!next) throw new Error("it has stopped");
    now = Math.max(now, next.at);
    read = next.read;
    pace.taken(read, now);
  }
  echoes.sort((a, b) => a - b);
  return { p99: echoes[Math.floor(echoes.length * 0.99)] as number, rate: read / now };
}

it.each([
  [5, 20],
  [5, 1000],
  [20, 5],
  [20, 100],
  [50, 10],
  [50, 1000],
  [200, 2],
  [200, 50],
])(
  "over %d ms and %d Mbit/s an echo takes at most three times as long, and the line is used",
  (rttMs, mbit) => {
    const line = { rttMs, mbit };
    const { p99, rate } = upload(() => line, 60_000);
    // A piece has its time: one is on the line, one behind it, and one is the next.
    const most = Math.max(3, 1 + (3 * PIECE) / (mbit * 125) / rttMs);
    expect(p99).toBeLessThanOrEqual(most);
    expect(rate).toBeGreaterThan(0.6 * Math.min(mbit * 125, WINDOW / rttMs));
  },
);

it("learns of another line: of a slower one, and of a faster one", () => {
  const fast = { rttMs: 10, mbit: 200 };
  const slow = { rttMs: 100, mbit: 20 };
  const [first, last] = [upload((now) => (now < 30_000 ? fast : slow), 120_000), upload(() => slow, 90_000)];
  const bytes = first.rate * 120_000 - upload(() => fast, 30_000).rate * 30_000;
  expect(bytes / 90_000).toBeGreaterThan(0.6 * last.rate);
  const back = upload((now) => (now < 30_000 ? slow : fast), 120_000);
  expect(back.rate * 120_000).toBeGreaterThan(0.6 * 90_000 * upload(() => fast, 90_000).rate);
});
