// The clients of one process, of every transport: mixed traffic, with some that go and come back all the time.
import { setTimeout as sleep } from "node:timers/promises";
import { Member, Tally } from "./check.mjs";
import { dropSpareConnections, openHttpLink, openPollingLink, openWebSocketLink } from "./links.mjs";

const TICK_MS = 20;
const AT_ONCE = 50;
/** What clients do, up to which share. The rest goes away and comes back. */
const SHARES = [
  ["echo", 0.45],
  ["ack", 0.8],
  ["move", 0.98],
];

/**
 * @param crowd how many of each: `websocket`, `polling`, `stream`, `sse`
 */
export function prepare(port, { crowd, rooms }) {
  const tally = new Tally();
  const kinds = Object.entries(crowd).flatMap(([kind, count]) => Array(count).fill(kind));
  /** One for each client; empty while it dials. */
  const links = Array(kinds.length).fill(undefined);
  let dialling = 0;
  let timer;

  async function dial(place) {
    const kind = kinds[place];
    const link = { member: undefined, close: undefined };
    const hooks = {
      frame: (text) => link.member.frame(text),
      again: (why) => tally.dialAgain(`${kind}: ${why}`),
      lost: (why) => tally.fault(`${kind}: closed by the server: ${why}`),
    };
    dialling++;
    try {
      const opened = await openers[kind](port, { kind, ...hooks });
      link.member = new Member(opened.send, tally);
      link.close = opened.close;
      opened.listen();
      links[place] = link;
    } catch (error) {
      tally.fault(`${kind}: not connected: ${error.message}`);
    } finally {
      dialling--;
    }
  }

  async function dialAll(places, atOnce) {
    const left = [...places];
    const worker = async () => {
      for (let place = left.pop(); place !== undefined; place = left.pop()) await dial(place);
    };
    await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, worker));
  }

  function hangUp(place) {
    links[place]?.close(Math.floor(Math.random() * 3));
    links[place] = undefined;
  }

  function act() {
    const place = Math.floor(Math.random() * links.length);
    const link = links[place];
    if (link === undefined) return;
    const dice = Math.random();
    const [what] = SHARES.find(([, upTo]) => dice < upTo) ?? ["reconnect"];
    if (what === "reconnect") {
      hangUp(place);
      tally.counts.reconnects++;
      dial(place);
    } else {
      link.member[what](`r${Math.floor(Math.random() * rooms)}`);
    }
  }

  const all = () => [...links.keys()];

  return {
    open: () => dialAll(all(), AT_ONCE),
    begin({ perSecond }) {
      let due = 0;
      timer = setInterval(() => {
        for (due += (perSecond * TICK_MS) / 1000; due >= 1; due--) act();
      }, TICK_MS);
    },
    /** Waits until everybody has got what it waits for. */
    async stop() {
      clearInterval(timer);
      const waits = () => dialling + links.reduce((sum, link) => sum + (link?.member.waits ?? 0), 0);
      for (let n = 0; n < 150 && waits() > 0; n++) await sleep(100);
      if (waits() > 0) tally.fault(`${waits()} answers did not come`);
    },
    /** All lose their connections, and dial again, at once. @returns ms until the last was back */
    async storm() {
      const places = all();
      for (const place of places) links[place]?.close(0);
      links.fill(undefined);
      const began = performance.now();
      await dialAll(places, places.length);
      return performance.now() - began;
    },
    async leave() {
      for (const place of all()) hangUp(place);
      await sleep(200);
    },
    dropSpareConnections,
    report: () => ({
      counts: tally.counts,
      again: Object.fromEntries(tally.again),
      faults: Object.fromEntries(tally.faults),
    }),
  };
}

const openers = {
  websocket: openWebSocketLink,
  polling: openPollingLink,
  stream: openHttpLink,
  sse: openHttpLink,
};
