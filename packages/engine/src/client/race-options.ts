import type { TransportClass } from "@sockeye/transport/client";
import type { EngineOptions } from "./options.js";
import { pageRoundTrip } from "./page-round-trip.js";
import type { RaceHost } from "./race.js";
import { Race } from "./race.js";
import { TransportCache } from "./transport-cache.js";

const DELAY_MS = 250;

/** A WebSocket needs two round trips: where one takes longer than this, polling is dialled beside it anyway. */
const SLOW_MS = DELAY_MS / 2;
/** What `early.js` has received is taken first. */
const AT_ONCE_MS = 10;

/** What the options have to do with a race. */
export interface RaceTerms {
  readonly options: Partial<EngineOptions>;
  /** Of the server, with the path. */
  readonly url: string;
  /** What the options name, or Socket.IO's default. */
  readonly classes: readonly TransportClass[];
}

/** Holds a race, if the options want one. */
export type RaceFeature = (host: RaceHost, racing: RaceTerms) => Race | undefined;

export const raceFeature: RaceFeature = (host, { options, url, classes }) => {
  const { race = isFree(options), remember = true, transports, transportImplementations } = options;
  if (!race || classes.length < 2) return undefined;
  const isNamed = transports ?? transportImplementations;
  return new Race(host, {
    // By default Socket.IO begins with the one that every server has, a race with the one that is best.
    classes: isNamed ? classes : [...classes].reverse(),
    delayMs: (race !== true && race.delayMs) || DELAY_MS,
    // Polling can use the connection over which the page came; a WebSocket needs one of its own.
    hurriedMs: options.race === undefined && (pageRoundTrip(url) ?? 0) > SLOW_MS ? AT_ONCE_MS : undefined,
    memory: remember
      ? new TransportCache(url, host.clock, remember === true ? undefined : remember.ttlMs)
      : undefined,
  });
};

/** Has the app said nothing that a WebSocket, dialled first, would not follow? Browsers cannot add headers to one. */
function isFree(options: Partial<EngineOptions>): boolean {
  const { transports, transportImplementations, upgrade, extraHeaders, transportOptions } = options;
  return (
    !transports &&
    !transportImplementations &&
    upgrade !== false &&
    !extraHeaders &&
    !transportOptions?.["polling"]
  );
}
