import { DEFAULT_STREAM_LIMITS } from "@sockeye/contract/internal";
import type { ResumeOptions } from "@sockeye/engine/server";
import { DEFAULT_LIMITS, nearest, shown } from "@sockeye/protocol";
import { DEFAULT_ROOM_LIMITS } from "@sockeye/rooms";
import type { CookieOptions, CorsOptions, StreamOptions } from "@sockeye/transport/server";
import type { ClusterOptions } from "./cluster-options.js";
import type { AttachOptions, EngineOptions, ServerLimits, ServerOptions } from "./options.js";
import type { Warnings } from "./warnings.js";

/** The names of a type's members: the compiler sees to it that none is missing, and none too many. */
type Names<T> = { readonly [Name in keyof Required<T>]: true };

const ATTACH: Names<AttachOptions> = {
  path: true,
  addTrailingSlash: true,
  destroyUpgrade: true,
  destroyUpgradeTimeout: true,
};

const ENGINE: Names<EngineOptions> = {
  ...ATTACH,
  pingInterval: true,
  pingTimeout: true,
  upgradeTimeout: true,
  resume: true,
  maxHttpBufferSize: true,
  maxTurnMs: true,
  allowRequest: true,
  clientAddress: true,
  ipv6Prefix: true,
  transports: true,
  streams: true,
  allowUpgrades: true,
  initialPacket: true,
  perMessageDeflate: true,
  httpCompression: true,
  wsEngine: true,
  cookie: true,
  allowEIO3: true,
  origins: true,
  cors: true,
};

const SERVER: Names<ServerOptions> = {
  ...ENGINE,
  serveClient: true,
  adapter: true,
  connectTimeout: true,
  cleanupEmptyChildNamespaces: true,
  connectionStateRecovery: true,
  parser: true,
  codec: true,
  overflow: true,
  contract: true,
  limits: true,
  cluster: true,
};

const RECOVERY: Names<NonNullable<ServerOptions["connectionStateRecovery"]>> = {
  maxDisconnectionDuration: true,
  skipMiddlewares: true,
  maxPackets: true,
};
const CLUSTER: Names<ClusterOptions> = {
  bus: true,
  name: true,
  node: true,
  secret: true,
  listen: true,
  address: true,
  handshakes: true,
};
const RESUME: Names<ResumeOptions> = { windowMs: true, maxBytes: true };
const STREAMS: Names<StreamOptions> = { recycleBytes: true, writeTimeout: true };
const COOKIE: Names<CookieOptions> = {
  name: true,
  path: true,
  domain: true,
  maxAge: true,
  expires: true,
  httpOnly: true,
  secure: true,
  partitioned: true,
  priority: true,
  sameSite: true,
  encode: true,
};
const CORS: Names<CorsOptions> = {
  origin: true,
  methods: true,
  allowedHeaders: true,
  exposedHeaders: true,
  credentials: true,
  maxAge: true,
  preflightContinue: true,
  optionsSuccessStatus: true,
};
const { maxMessageBytes: _, ...LIMITS }: ServerLimits = {
  ...DEFAULT_LIMITS,
  ...DEFAULT_STREAM_LIMITS,
  ...DEFAULT_ROOM_LIMITS,
};

/** Options that hold options. Those of other packages, such as `perMessageDeflate`, are not ours to know. */
const NESTED: Readonly<Record<string, readonly string[]>> = {
  limits: Object.keys(LIMITS),
  connectionStateRecovery: Object.keys(RECOVERY),
  cluster: Object.keys(CLUSTER),
  resume: Object.keys(RESUME),
  streams: Object.keys(STREAMS),
  cookie: Object.keys(COOKIE),
  cors: Object.keys(CORS),
};

/** Options of clients that servers do not have. */
const CLIENT: ReadonlySet<string> = new Set(
  "ackTimeout auth autoConnect autoUnref closeOnBeforeunload extraHeaders forceBase64 forceNew multiplex openTimeout protocols query race randomizationFactor reconnection reconnectionAttempts reconnectionDelay reconnectionDelayMax remember rememberUpgrade requestTimeout retries secure timeout timestampParam timestampRequests transportOptions tryAllTransports upgrade useNativeTimers withCredentials".split(
    " ",
  ),
);

/** For comparing, in our own benchmarks. */
const OWN: ReadonlySet<string> = new Set(["webSockets"]);

/** Names by which options are known elsewhere. */
const OTHERWISE: Readonly<Record<string, string>> = {
  maxMessageBytes: "maxHttpBufferSize",
  maxPayload: "maxHttpBufferSize",
};

const SERVER_NAMES: readonly string[] = Object.keys(SERVER);
const ENGINE_NAMES: readonly string[] = Object.keys(ENGINE);

/** Warns of each option that does not exist: what was meant has no effect. @param of whose options they are */
export function warnOfUnknownOptions(
  options: ServerOptions,
  { warnings, of }: { readonly warnings: Warnings; readonly of: "server" | "engine" },
): void {
  const known = of === "server" ? SERVER_NAMES : ENGINE_NAMES;
  for (const [name, value] of Object.entries(options)) {
    if (OWN.has(name)) continue;
    if (!known.includes(name)) warn(warnings, name, adviceFor(name, known));
    else warnOfNested(warnings, name, value);
  }
}

function warnOfNested(warnings: Warnings, parent: string, value: unknown): void {
  const known = NESTED[parent];
  if (known === undefined || typeof value !== "object" || value === null) return;
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) warn(warnings, `${parent}.${name}`, adviceForNested(name, parent, known));
  }
}

function warn(warnings: Warnings, name: string, advice: string): void {
  warnings.warnOnce(
    "SOCKEYE_UNKNOWN_OPTION",
    name,
    () => `Sockeye: unknown server option "${shown(name)}".${advice}`,
  );
}

function adviceFor(name: string, known: readonly string[]): string {
  const place = Object.keys(NESTED).find((parent) => NESTED[parent]?.includes(name));
  const other = OTHERWISE[name];
  if (other !== undefined) return suggestion(other);
  if (CLIENT.has(name)) return " It is an option of the client: io(url, { … }).";
  if (place !== undefined) return ` It belongs inside of "${place}": { ${place}: { ${name}: … } }.`;
  return suggestion(nearest(name, known) ?? placeNear(name));
}

function adviceForNested(name: string, parent: string, known: readonly string[]): string {
  const other = OTHERWISE[name] ?? (SERVER_NAMES.includes(name) ? name : undefined);
  if (other !== undefined) return ` It belongs outside of "${parent}": { ${other}: … }.`;
  const near = nearest(name, known);
  return suggestion(near === undefined ? undefined : `${parent}.${near}`);
}

/** A mistyped limit at the top, say. */
function placeNear(name: string): string | undefined {
  for (const [parent, names] of Object.entries(NESTED)) {
    const near = nearest(name, names);
    if (near !== undefined && near.length > 6) return `${parent}.${near}`;
  }
  return undefined;
}

function suggestion(name: string | undefined): string {
  return name === undefined ? "" : ` Did you mean "${name}"?`;
}
