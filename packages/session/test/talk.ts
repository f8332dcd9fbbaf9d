import { type ManualClock, manualClock } from "@sockeye/conformance";
import type {
  CloseReason,
  Codec,
  EncodedPacket,
  OpenData,
  Packet,
  SessionState,
  Transport,
} from "@sockeye/protocol";
import { PacketType } from "@sockeye/protocol";
import type { ClientRole, Secrets, ServerRole, Session, SessionSink } from "../src/index.js";
import {
  ClientEnd,
  Counting,
  clientProbe,
  createOverflow,
  defaultCodec,
  FlushScheduler,
  ReplayBuffer,
  ServerEnd,
  TimerWheel,
} from "../src/index.js";

export const INTERVAL_MS = 1000;
export const TIMEOUT_MS = 500;
export const UPGRADE_MS = 800;
export const MAX_OUTBOUND_BYTES = 1_000_000;

/** One end of a talk: a session and what it told. */
export interface Half {
  readonly session: Session;
  readonly packets: Packet[];
  readonly endings: { readonly reason: CloseReason; readonly cause: Error | undefined }[];
  /** Numbers that came in events. */
  heard(): number[];
  say(n: number, bytes?: Uint8Array): EncodedPacket;
}

export interface ClientHalf extends Half {
  readonly end: ClientEnd;
  readonly opened: OpenData[];
  /** Makes candidates; set it before OPEN comes. */
  dial: (name: string) => Transport | undefined;
  redial: (cause: Error | undefined) => Transport | undefined;
  pings: number;
  readonly upgrades: string[];
}

export interface Talk {
  readonly clock: ManualClock;
  readonly client: ClientHalf;
  readonly server: Half & { readonly end: ServerEnd };
  readonly ended: string[];
}

/** Two sessions that have not met yet: give each a transport with `start`. @param terms set: they count */
export function talk(
  changes: Partial<ServerRole> = {},
  upgrades: readonly string[] = [],
  terms?: { readonly window: number; readonly bytes: number },
): Talk {
  const clock = manualClock();
  const shared = {
    codec: defaultCodec(),
    clock,
    deadlines: new TimerWheel(clock),
    turn: new FlushScheduler(clock),
  };
  const ended: string[] = [];
  const serverRole: ServerRole = {
    pingIntervalMs: INTERVAL_MS,
    pingTimeoutMs: TIMEOUT_MS,
    upgradeTimeoutMs: UPGRADE_MS,
    maxPayload: 1e6,
    initialPacket: undefined,
    upgrades: () => upgrades,
    ended: (sid) => void ended.push(sid),
    secrets,
    ...changes,
  };
  const opened: OpenData[] = [];
  const clientRole: ClientRole = {
    probe: clientProbe,
    opened: (data) => void opened.push(data),
    count: (told, queue) => new Counting(told, queue),
    candidate: (name) => client.dial(name),
    openWithinMs: () => undefined,
    redial: (cause) => client.redial(cause),
    pinged: () => client.pings++,
    upgraded: ({ name }) => void client.upgrades.push(name),
    suspended: () => {},
    ended: () => {},
  };
  const client: ClientHalf = Object.assign(
    half((sink) => new ClientEnd({ ...shared, role: clientRole }, sink), shared.codec),
    { opened, dial: () => undefined, redial: () => undefined, pings: 0, upgrades: [] },
  );
  const overflow = createOverflow(MAX_OUTBOUND_BYTES);
  const counted = terms && new ReplayBuffer(terms);
  const suspendedOverflow = terms && createOverflow(terms.bytes);
  const server = half(
    (sink) =>
      new ServerEnd({ ...shared, overflow, suspendedOverflow, role: serverRole }, sink, {
        id: "sid",
        counted,
      }),
    shared.codec,
  );
  return { clock, client, server, ended };
}

const secrets: Secrets = {
  of: (sid, generation) => `${sid}-${generation}`,
  fits: (sid, generation, secret) => secret === `${sid}-${generation}`,
};

function half<End extends { readonly session: Session }>(
  make: (sink: SessionSink) => End,
  codec: Codec,
): Half & { readonly end: End } {
  const packets: Packet[] = [];
  const endings: Half["endings"] = [];
  const end = make({
    packet: (packet) => {
      if (endings.length > 0) throw new Error("a packet came after the end");
      packets.push(packet);
    },
    closed: (reason, cause) => {
      endings.push({ reason, cause });
    },
  });
  const { session } = end;
  return {
    end,
    session,
    packets,
    endings,
    heard: () => packets.flatMap(({ data }) => (Array.isArray(data) ? [data[1] as number] : [])),
    say: (n, bytes) => {
      const data: [string, ...unknown[]] = bytes ? ["n", n, bytes] : ["n", n];
      const packet = codec.encode({ type: PacketType.EVENT, nsp: "/", id: undefined, data });
      session.send(packet);
      return packet;
    },
  };
}

/** The states of both ends. */
export function states({ client, server }: Talk): SessionState[] {
  return [client.session.state, server.session.state];
}
