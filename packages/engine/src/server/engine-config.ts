import type { Clock, Limits, PacketLimits, ResumeTerms } from "@sockeye/protocol";
import { DEFAULT_LIMITS, SessionError } from "@sockeye/protocol";
import type { ServerConfig, ServerRole, SessionConfig } from "@sockeye/session";
import { createOverflow, encodeMessage, FlushScheduler, TimerWheel } from "@sockeye/session";
import { DEFAULT_TRANSPORTS } from "@sockeye/transport/server";
import type { EngineOptions } from "./engine-options.js";
import { requirePositive } from "./engine-options.js";
import { SessionSecrets } from "./secrets.js";

/** What the options say nothing of. */
export interface ConfigTerms {
  readonly clock: Clock;
  readonly codec: SessionConfig["codec"];
  readonly limits: Limits;
  /** Of the secrets. Default: a random one. */
  readonly key?: Uint8Array | undefined;
  /** Unless sessions end with their transports. */
  readonly resume: Pick<ResumeTerms, "window" | "bytes"> | undefined;
  /** Of the sessions. */
  readonly hooks: Pick<ServerRole, "upgraded" | "suspended" | "ended">;
}

const TIMES = { pingInterval: 25_000, pingTimeout: 20_000, upgradeTimeout: 10_000 };

const DEFAULTS: EngineOptions = {
  ...TIMES,
  maxHttpBufferSize: DEFAULT_LIMITS.maxMessageBytes,
  transports: DEFAULT_TRANSPORTS,
  allowUpgrades: true,
  httpCompression: { threshold: 1024 },
  allowEIO3: false,
};

/** The options with the defaults of what was left out, as apps read them. */
export function withDefaults(options: EngineOptions): EngineOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** There is nothing better. */
const NO_UPGRADE_FROM: ReadonlySet<string> = new Set(["websocket", "webtransport"]);

/** What all sessions of an engine share. @throws UsageError `ERR_BAD_OPTION` */
export function configure(options: EngineOptions, terms: ConfigTerms): ServerConfig {
  const { codec, limits, resume } = terms;
  const clock = inWholeMs(terms.clock);
  const times = { ...TIMES };
  for (const name of Object.keys(TIMES) as (keyof typeof TIMES)[]) {
    times[name] = options[name] ?? TIMES[name];
    requirePositive(name, times[name]);
  }
  return {
    codec,
    clock,
    deadlines: new TimerWheel(clock, Math.min(times.pingInterval, times.pingTimeout)),
    turn: new FlushScheduler(clock),
    overflow: createOverflow(limits.maxOutboundBytes),
    suspendedOverflow: resume && createOverflow(resume.bytes, tooMuch),
    role: {
      pingIntervalMs: times.pingInterval,
      pingTimeoutMs: times.pingTimeout,
      upgradeTimeoutMs: times.upgradeTimeout,
      maxPayload: limits.maxMessageBytes,
      limits: packetLimits(limits),
      initialPacket: options.initialPacket === undefined ? undefined : encodeMessage(options.initialPacket),
      secrets: resume && new SessionSecrets(terms.key),
      upgrades: upgradesOf(options),
      ...terms.hooks,
    },
  };
}

/** V8 keeps whole numbers within an object, and any other in one of its own: 16 bytes for each time that a session knows. */
function inWholeMs(clock: Clock): Clock {
  return {
    now: () => Math.floor(clock.now()),
    wall: () => clock.wall(),
    setTimer: (callback, delayMs) => clock.setTimer(callback, delayMs),
    clearTimer: (timer) => clock.clearTimer(timer),
    defer: (callback) => clock.defer(callback),
  };
}

/** To which transports may a session on this one change? */
function upgradesOf({ transports, allowUpgrades }: EngineOptions): (transport: string) => readonly string[] {
  const better = allowUpgrades === false ? [] : ["websocket", "webtransport"];
  const offered: readonly string[] = transports ?? DEFAULT_TRANSPORTS;
  const upgrades = better.filter((name) => offered.includes(name));
  return (transport) => (NO_UPGRADE_FROM.has(transport) ? [] : upgrades);
}

function packetLimits(limits: Limits): PacketLimits {
  const { maxAttachments, maxBinaryEventBytes, maxJsonDepth, maxEventNameLength, maxNamespaceLength } =
    limits;
  return { maxAttachments, maxBinaryEventBytes, maxJsonDepth, maxEventNameLength, maxNamespaceLength };
}

function tooMuch(): SessionError {
  return new SessionError("ERR_SUSPENDED_FULL", "too much waits for a client that is away");
}
