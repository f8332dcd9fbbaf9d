import { around, aroundMoment } from "./excerpt.js";
import type { Book, History, Side } from "./history.js";
import { isLive } from "./history.js";
import { isRecoverable, isVolatile } from "./message.js";

// What must be true of the histories of a trial that has come to rest. A conversation is what has one socket id.
//
// 1. A message is handled at most once, in whatever conversation.
// 2. What is handled was sent, in this conversation or, by a client that was not connected or lost it meanwhile, in an earlier one.
// 3. Within a conversation, messages are handled in the order in which they were sent. Answers are messages too.
// 4. Of a conversation that no end has seen ending, every message is handled.
// 5. Of one that both ends have seen ending, messages may be missing at the end, and nowhere else. Where recovery has gone on with it, only what
//    recovery does not keep (what the client sends, events with acknowledgement, answers) may be missing anywhere.
// 6. One end does not think that a conversation goes on that has ended for the other.
// 7. An end that says `recovered` goes on with a conversation that had ended, and the other end agrees; who does not say so has a new one.

export type Direction = "up" | "down";

export interface Violation {
  readonly kind: "twice" | "invented" | "order" | "gap" | "lost" | "half-open" | "lie" | "fault" | "ended";
  readonly client: number;
  readonly text: string;
  /** The part of the history that shows it. */
  readonly excerpt: readonly string[];
  /** When, in ms since the beginning of the trial. */
  readonly at: number;
}

/** What a trial promises. */
export interface Terms {
  /** May a conversation end, as long as both are told? */
  readonly mayEnd: boolean;
}

/** @returns everything that must not be; empty if all is well */
export function check(history: History, { mayEnd }: Terms): Violation[] {
  const found: Violation[] = [];
  const tell: Tell = (kind, text, at = 0, excerpt = []) =>
    void found.push({ kind, client: history.client, text, at, excerpt });
  for (const text of history.faults) tell("fault", text);
  checkLane({ from: history.atClient, to: history.atServer, direction: "up" }, tell);
  checkLane({ from: history.atServer, to: history.atClient, direction: "down" }, tell);
  checkEnds(history, tell);
  checkRecovered(history, tell);
  if (!mayEnd) checkUnbroken(history, tell);
  return found;
}

type Tell = (kind: Violation["kind"], text: string, at?: number, excerpt?: readonly string[]) => void;

interface Lane {
  readonly from: Book;
  readonly to: Book;
  readonly direction: Direction;
}

function checkLane(lane: Lane, tell: Tell): void {
  const handled = new Map<string, string>();
  const sentBefore = new Set<string>();
  // In the order of the sender; conversations that only the receiver knows come last.
  const ids = new Set([...lane.from.keys(), ...lane.to.keys()]);
  for (const id of ids) {
    const sent = lane.from.get(id)?.sent ?? [];
    checkHandled(lane, id, { handled, sentBefore }, tell);
    for (const { key } of sent) sentBefore.add(key);
  }
  for (const [id, side] of lane.from) checkMissing(lane, id, side, handled, tell);
}

interface Memory {
  /** In which conversation each message was handled. */
  readonly handled: Map<string, string>;
  /** What was sent in earlier conversations. */
  readonly sentBefore: ReadonlySet<string>;
}

function checkHandled(lane: Lane, id: string, { handled, sentBefore }: Memory, tell: Tell): void {
  const sent = lane.from.get(id)?.sent ?? [];
  const got = lane.to.get(id)?.got ?? [];
  const places = new Map(sent.map(({ key }, place) => [key, place]));
  const name = `${lane.direction}, socket ${id}`;
  let last = -1;
  got.forEach(({ key, at }, index) => {
    const shown = (): string[] => [
      ...around("sent", sent, places.get(key) ?? -1),
      ...around("handled", got, index),
    ];
    const earlier = handled.get(key);
    const place = places.get(key);
    if (earlier !== undefined) {
      tell("twice", `${name}: ${key} is handled twice, first on socket ${earlier}`, at, shown());
      return;
    }
    handled.set(key, id);
    if (place === undefined) {
      const carried = lane.direction === "up" && sentBefore.has(key);
      if (!carried) tell("invented", `${name}: ${key} is handled and was not sent`, at, shown());
      return;
    }
    if (place < last) tell("order", `${name}: ${key} is handled after ${sent[last]?.key}`, at, shown());
    last = Math.max(last, place);
  });
}

function checkMissing(lane: Lane, id: string, side: Side, handled: Map<string, string>, tell: Tell): void {
  const far = lane.to.get(id);
  const got = new Set(far?.got.map(({ key }) => key));
  const last = side.sent.reduce((found, { key }, place) => (got.has(key) ? place : found), -1);
  const recovered = side.joinings.length > 1 || (far?.joinings.length ?? 0) > 1;
  // The receiver may never have heard of it.
  const ended = !isLive(side) && (far === undefined || !isLive(far));
  side.sent.forEach(({ key, at }, place) => {
    if (got.has(key) || isVolatile(key)) return;
    // Recovery went on with it, and does not keep this.
    if (recovered && !(lane.direction === "down" && isRecoverable(key))) return;
    const name = `${lane.direction}, socket ${id}`;
    const shown = (): string[] => [
      ...around("sent", side.sent, place),
      ...aroundMoment("handled", far?.got ?? [], at),
    ];
    if (place > last) {
      if (!ended && !handled.has(key))
        tell("lost", `${name}: ${key} is not handled, and nobody was told`, at, shown());
    } else {
      tell("gap", `${name}: ${key} is missing, what was sent later is not`, at, shown());
    }
  });
}

function checkEnds({ atClient, atServer }: History, tell: Tell): void {
  for (const [id, side] of atClient) {
    const far = atServer.get(id);
    if (far === undefined)
      tell("lie", `the client had socket ${id}, the server did not`, side.joinings[0]?.at);
    else if (isLive(side) !== isLive(far)) {
      const [has, lacks] = isLive(side) ? ["client", "server"] : ["server", "client"];
      tell("half-open", `socket ${id} goes on for the ${has} and has ended for the ${lacks}`);
    }
  }
  for (const [id, side] of atServer) {
    if (!atClient.has(id) && isLive(side))
      tell("half-open", `the client never had socket ${id}, which goes on`);
  }
}

function checkRecovered({ atClient, atServer }: History, tell: Tell): void {
  for (const [name, book] of Object.entries({ client: atClient, server: atServer })) {
    for (const [id, { joinings }] of book) {
      joinings.forEach(({ recovered, at }, index) => {
        // A connection that was recovered before the client heard of it: the server alone has the first.
        if (recovered && index === 0 && name === "server")
          tell("lie", `the server recovered socket ${id}, which was not`, at);
        if (!recovered && index > 0)
          tell("lie", `the ${name} had socket ${id} twice, and did not recover it`, at);
      });
    }
  }
  for (const [id, { joinings }] of atClient) {
    const count = (list: Side["joinings"] = []): number => list.filter(({ recovered }) => recovered).length;
    if (count(joinings) > count(atServer.get(id)?.joinings)) {
      tell(
        "lie",
        `the client was told more often than the server that socket ${id} is recovered`,
        joinings.at(-1)?.at,
      );
    }
  }
}

function checkUnbroken({ atClient, atServer }: History, tell: Tell): void {
  for (const [name, book] of Object.entries({ client: atClient, server: atServer })) {
    for (const [id, { partings }] of book) {
      // Whoever leaves has wanted that; who was never told of a conversation misses none.
      const ofClient = atClient.get(id)?.partings;
      if (!ofClient || ofClient.some(({ reason }) => reason === "io client disconnect")) continue;
      for (const { reason, at } of partings)
        tell("ended", `socket ${id} ended for the ${name}: ${reason}`, at);
    }
  }
}
