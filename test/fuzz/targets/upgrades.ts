import { type FrameVector, frameOf, manualClock } from "@sockeye/conformance";
import {
  type CloseReason,
  EncodedPacket,
  type Frame,
  type Packet,
  PacketType,
  type TransportSink,
} from "@sockeye/protocol";
import {
  createOverflow,
  defaultCodec,
  FlushScheduler,
  ServerEnd,
  type ServerRole,
  TimerWheel,
} from "@sockeye/session";
import { type MemoryTransport, memoryPair } from "@sockeye/transport/memory";
import type { Random } from "../random.js";
import { check, type Target, target } from "../target.js";

/** What happens to a session, step by step. Pipe 0 is the one that it begins with. */
type Step =
  | { readonly act: "offer" | "hold" | "release" | "cut" | "leave"; readonly pipe: number }
  | { readonly act: "send"; readonly pipe: number; readonly frame: FrameVector }
  | { readonly act: "emit" }
  | { readonly act: "close" | "terminate" | "flush" }
  | { readonly act: "advance" | "jump"; readonly ms: number };

interface UpgradeInput {
  readonly pings: "server" | "client";
  readonly steps: readonly Step[];
}

const PIPES = 4;
/** Both ends of a good upgrade, and everything else that a peer may say. */
const FRAMES: readonly FrameVector[] = [
  "2probe",
  "2probe",
  "5",
  "5",
  "3",
  '42["n",1]',
  "40",
  "2",
  "3probe",
  "1",
  "6",
  "0{}",
  "",
  "9",
  "4",
  '451-["b",{"_placeholder":true,"num":0}]',
  { base64: "AQID" },
  "bAQID",
  "b!",
  '42["connect"]',
];
const ACTS = ["offer", "hold", "release", "cut", "leave"] as const;

/** Two transports of one session, in any order. */
export const upgrades: Target = target<UpgradeInput>({
  name: "upgrades",
  cases: 6_000,
  generate: (random) => ({
    pings: random.chance(0.8) ? "server" : "client",
    steps: random.chance(0.5) ? random.list(random.below(40), () => step(random)) : goodUpgrade(random),
  }),
  run: (input, meter) => meter.time(() => new Scene(input.pings).play(input.steps)),
});

function step(random: Random): Step {
  const pipe = random.chance(0.5) ? 0 : random.below(PIPES);
  switch (random.below(10)) {
    case 0:
      return { act: random.pick(ACTS), pipe };
    case 1:
      return { act: "offer", pipe: 1 + random.below(PIPES - 1) };
    case 2:
      return { act: "emit" };
    case 3:
      return { act: random.chance(0.1) ? random.pick(["close", "terminate"]) : "flush" };
    case 4:
      return {
        act: random.chance(0.1) ? "jump" : "advance",
        ms: random.pick([0, 1, 100, 500, 800, 1000, 1500, 31_000]),
      };
    default:
      return { act: "send", pipe, frame: random.pick(FRAMES) };
  }
}

/** An upgrade as it should be, with other steps between. */
function goodUpgrade(random: Random): Step[] {
  const good: Step[] = [
    { act: "emit" },
    { act: "offer", pipe: 1 },
    { act: "send", pipe: 1, frame: "2probe" },
    { act: "flush" },
    { act: "emit" },
    { act: "send", pipe: 1, frame: "5" },
    { act: "flush" },
    { act: "emit" },
    { act: "send", pipe: 1, frame: '42["n",1]' },
  ];
  return good.flatMap((own) => (random.chance(0.4) ? [step(random), own] : [own]));
}

/** A pipe, and what came out of it at the client's end. */
class Pipe implements TransportSink {
  readonly server: MemoryTransport;
  readonly #client: MemoryTransport;
  state: "new" | "offered" | "gone" = "new";

  constructor(
    name: string,
    clock: ReturnType<typeof manualClock>,
    readonly heard: Frame[],
  ) {
    const { a, b } = memoryPair({ name, clock });
    [this.#client, this.server] = [a, b];
    a.bind(this);
  }

  frame(_from: unknown, frame: Frame): void {
    this.heard.push(frame);
  }
  writable(): void {}
  ended(): void {
    this.state = "gone";
  }

  say(frame: Frame): void {
    if (this.state !== "gone") this.#client.send([new EncodedPacket(frame)]);
  }

  leave(): void {
    this.state = "gone";
    this.#client.close("dead");
  }
}

class Scene {
  readonly #clock = manualClock();
  readonly #heard: Frame[] = [];
  readonly #pipes: Pipe[];
  readonly #ended: string[] = [];
  readonly #endings: CloseReason[] = [];
  readonly #codec = defaultCodec();
  readonly #end: ServerEnd;
  #emitted = 0;

  constructor(pings: "server" | "client") {
    const clock = this.#clock;
    this.#pipes = Array.from({ length: PIPES }, (_, n) => new Pipe(`pipe${n}`, clock, this.#heard));
    const role: ServerRole = {
      pings,
      pingIntervalMs: 1000,
      pingTimeoutMs: 500,
      upgradeTimeoutMs: 800,
      maxPayload: 1e6,
      initialPacket: undefined,
      upgrades: () => ["pipe1"],
      ended: (sid) => void this.#ended.push(sid),
    };
    this.#end = new ServerEnd(
      {
        codec: this.#codec,
        clock,
        deadlines: new TimerWheel(clock),
        turn: new FlushScheduler(clock),
        role,
        overflow: createOverflow(1e6),
      },
      { packet: (packet) => this.#received(packet), closed: (reason) => void this.#endings.push(reason) },
      { id: "sid" },
    );
  }

  play(steps: readonly Step[]): void {
    this.#end.session.start(this.#pipe(0).server);
    this.#pipe(0).state = "offered";
    for (const step of steps) {
      this.#step(step);
      if (step.act !== "send" && step.act !== "emit") this.#clock.flush();
    }
    this.#check();
  }

  #step(step: Step): void {
    const session = this.#end.session;
    switch (step.act) {
      case "emit":
        session.send(
          this.#codec.encode({
            type: PacketType.EVENT,
            nsp: "/",
            id: undefined,
            data: ["n", this.#emitted++],
          }),
        );
        break;
      case "close":
        session.close();
        break;
      case "terminate":
        session.terminate("server shutting down");
        break;
      case "flush":
        break;
      case "advance":
        this.#clock.advance(step.ms);
        break;
      case "jump":
        this.#clock.jump(step.ms * 1000);
        break;
      default:
        this.#play(step);
    }
  }

  #play(step: Extract<Step, { pipe: number }>): void {
    const pipe = this.#pipe(step.pipe);
    switch (step.act) {
      case "offer":
        if (pipe.state === "new") {
          pipe.state = "offered";
          this.#end.offer(pipe.server);
        }
        break;
      case "hold":
        pipe.server.hold();
        break;
      case "release":
        pipe.server.release();
        break;
      case "cut":
        pipe.server.cut();
        break;
      case "leave":
        pipe.leave();
        break;
      case "send":
        pipe.say(frameOf(step.frame));
    }
  }

  #pipe(n: number): Pipe {
    return this.#pipes[n] as Pipe;
  }

  #received(_packet: Packet): void {
    check(this.#endings.length === 0, "a packet after the end");
  }

  /** Everybody leaves: then nothing is left, the end was told once, and nothing came twice or out of order. */
  #check(): void {
    for (const { server } of this.#pipes) server.release();
    this.#clock.advance(100_000);
    check(this.#end.session.state === "closed", "the session lives on", () => this.#end.session.state);
    check(
      this.#endings.length === 1 && this.#ended.length === 1,
      "the end was told more or less than once",
      () => [this.#endings, this.#ended],
    );
    check(
      this.#clock.pendingTimers === 0 && this.#clock.pendingDeferred === 0,
      "timers are left",
      () => this.#clock.pendingTimers,
    );
    const numbers = this.#heard.flatMap((frame) =>
      typeof frame === "string" && frame.startsWith('42["n",') ? [Number.parseInt(frame.slice(7), 10)] : [],
    );
    check(
      numbers.every((n, at) => at === 0 || n > (numbers[at - 1] as number)),
      "events out of order, or twice",
      () => numbers,
    );
  }
}
