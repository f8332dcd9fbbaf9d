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
  ReplayBuffer,
  ServerEnd,
  type ServerRole,
  TimerWheel,
} from "@sockeye/session";
import { type MemoryTransport, memoryPair } from "@sockeye/transport/memory";
import type { Random } from "../random.js";
import { check, type Target, target } from "../target.js";

type Secret = "last" | "before" | "wrong";
type Count = "right" | "less" | "more" | "future";

/** What happens to a session that is counted, step by step. */
type Step =
  /** The client itself comes back over a new pipe; in vain, if the answer is lost. */
  | { readonly act: "return" | "return in vain" }
  /** So does somebody who knows more or less of the secret. */
  | { readonly act: "claim"; readonly secret: Secret; readonly count: Count }
  | { readonly act: "offer" | "hold" | "release" | "cut" | "leave" | "goodbye" }
  /** The client sends, tells its count, or says what it likes. */
  | { readonly act: "message" | "tell" | "emit" | "emit bytes" }
  | { readonly act: "say"; readonly frame: FrameVector }
  | { readonly act: "flush" | "close" | "terminate" }
  | { readonly act: "advance" | "jump"; readonly ms: number };

interface ResumeInput {
  /** Does the client answer heartbeats? */
  readonly answers: boolean;
  readonly steps: readonly Step[];
}

const WINDOW_MS = 5000;
const MAX_BYTES = 2000;
/** Of one message, as the session counts it, at most. */
const LARGEST = 200;

const FRAMES: readonly FrameVector[] = [
  "3",
  "60",
  "61",
  "6999",
  "6x",
  "30",
  "3-1",
  "2",
  "2probe",
  "5",
  "6",
  "1",
  '0{"sid":"sid"}',
  "",
  "9",
  '42["evil"]',
  '451-["b",{"_placeholder":true,"num":0}]',
  { base64: "AQID" },
  "b!",
];

/** Sessions that lose their transports and are claimed, rightly and not, at any moment. */
export const resumes: Target = target<ResumeInput>({
  name: "resumes",
  cases: 6_000,
  generate: (random) => ({
    answers: random.chance(0.7),
    steps: random.list(random.below(50), () => (random.chance(0.75) ? honest(random) : step(random))),
  }),
  run: (input, meter) => meter.time(() => new Scene(input.answers).play(input.steps)),
});

/** What a client and a network do that mean no harm. */
function honest(random: Random): Step {
  switch (random.below(8)) {
    case 0:
      return { act: "cut" };
    case 1:
    case 2:
      return { act: random.chance(0.7) ? "return" : "return in vain" };
    case 3:
      return { act: random.pick(["emit", "emit bytes"] as const) };
    case 4:
      return { act: random.pick(["message", "tell"] as const) };
    case 5:
      return { act: "advance", ms: random.pick([0, 1, 100, 500, 1000, 1600]) };
    default:
      return { act: random.pick(["emit", "message", "flush"] as const) };
  }
}

function step(random: Random): Step {
  switch (random.below(6)) {
    case 0:
      return {
        act: "claim",
        secret: random.pick(["last", "before", "wrong"] as const),
        count: random.pick(["right", "less", "more", "future"] as const),
      };
    case 1:
      return { act: random.pick(["offer", "hold", "release", "cut", "leave"] as const) };
    case 2:
      return random.chance(0.1)
        ? { act: random.pick(["close", "terminate", "goodbye"] as const) }
        : { act: "flush" };
    case 3:
      return random.chance(0.1)
        ? { act: "jump", ms: 31_000 }
        : { act: "advance", ms: random.pick([1, 1000, 4900, 5100]) };
    default:
      return { act: "say", frame: random.pick(FRAMES) };
  }
}

/** The client's end of one pipe. */
class Pipe implements TransportSink {
  readonly server: MemoryTransport;
  readonly client: MemoryTransport;
  state: "open" | "gone" = "open";

  constructor(
    name: string,
    clock: ReturnType<typeof manualClock>,
    readonly hear: (from: Pipe, frame: Frame) => void,
  ) {
    const { a, b } = memoryPair({ name, clock });
    [this.client, this.server] = [a, b];
    a.bind(this);
  }

  frame(_from: unknown, frame: Frame): void {
    this.hear(this, frame);
  }
  writable(): void {}
  ended(): void {
    this.state = "gone";
  }
  say(...frames: readonly Frame[]): void {
    if (this.state === "open") this.client.send(frames.map((frame) => new EncodedPacket(frame)));
  }
}

class Scene {
  readonly #clock = manualClock();
  readonly #codec = defaultCodec();
  readonly #counted = new ReplayBuffer({ window: WINDOW_MS, bytes: MAX_BYTES });
  readonly #serverEnd: ServerEnd;
  readonly #answers: boolean;
  readonly #ended: string[] = [];
  readonly #endings: CloseReason[] = [];
  /** The pipe that the client listens to. */
  #pipe: Pipe;
  /** All that the client has got, and the numbers of the events in it. */
  #received = 0;
  readonly #heard: number[] = [];
  /** All that it has sent. */
  readonly #sent: Frame[] = [];
  #secret = "";
  #secretBefore = "";
  #emitted = 0;
  /** The numbers of what arrived at the server. */
  readonly #arrived: number[] = [];
  /** Has anybody else spoken for the client? Then what arrives proves nothing. */
  #spoilt = false;
  #pipes = 0;

  constructor(answers: boolean) {
    const clock = this.#clock;
    this.#answers = answers;
    const role: ServerRole = {
      pingIntervalMs: 1000,
      pingTimeoutMs: 500,
      upgradeTimeoutMs: 800,
      maxPayload: 1e6,
      initialPacket: undefined,
      secrets: {
        of: (sid, generation) => `${sid} ${generation}`,
        fits: (sid, generation, secret) => secret === `${sid} ${generation}`,
      },
      upgrades: () => [],
      ended: (sid) => void this.#ended.push(sid),
    };
    this.#serverEnd = new ServerEnd(
      {
        codec: this.#codec,
        clock,
        deadlines: new TimerWheel(clock),
        turn: new FlushScheduler(clock),
        role,
        overflow: createOverflow(1e6),
        suspendedOverflow: createOverflow(MAX_BYTES),
      },
      { packet: (packet) => this.#came(packet), closed: (reason) => void this.#endings.push(reason) },
      { id: "sid", counted: this.#counted },
    );
    this.#pipe = this.#newPipe();
  }

  play(steps: readonly Step[]): void {
    this.#serverEnd.session.start(this.#pipe.server);
    this.#clock.flush();
    // Whoever was never heard of is not waited for.
    this.#say('42["m",0]');
    for (const step of steps) {
      this.#step(step);
      if (step.act !== "say" && step.act !== "message") this.#clock.flush();
      check(
        this.#counted.retainedBytes < MAX_BYTES + LARGEST,
        "too much is kept",
        () => this.#counted.retainedBytes,
      );
    }
    this.#end();
  }

  #step(step: Step): void {
    switch (step.act) {
      case "return":
        this.#return();
        break;
      case "return in vain":
        this.#return();
        this.#pipe = this.#newPipe();
        break;
      case "claim":
        this.#claim(step.secret, step.count);
        break;
      case "offer":
        this.#serverEnd.offer(this.#newPipe().server);
        break;
      case "hold":
      case "release":
      case "cut":
        this.#pipe.server[step.act]();
        break;
      case "leave":
      case "goodbye":
        this.#pipe.state = "gone";
        this.#pipe.client.close(step.act === "goodbye" ? "goodbye" : "dead");
        break;
      case "message":
        this.#say(`42["m",${this.#sent.length}]`);
        break;
      case "tell":
        this.#pipe.say(`6${this.#received}`);
        break;
      case "say":
        this.#spoilt = true;
        this.#pipe.say(frameOf(step.frame));
        break;
      case "emit":
      case "emit bytes":
        this.#emit(step.act === "emit" ? [] : [new Uint8Array(3)]);
        break;
      case "close":
        this.#serverEnd.session.close();
        break;
      case "terminate":
        this.#serverEnd.session.terminate("server shutting down");
        break;
      case "flush":
        break;
      case "advance":
        this.#clock.advance(step.ms);
        break;
      case "jump":
        this.#clock.jump(step.ms);
    }
  }

  #emit(more: readonly Uint8Array[]): void {
    const data = ["n", this.#emitted++, ...more] as const;
    this.#serverEnd.session.send(
      this.#codec.encode({ type: PacketType.EVENT, nsp: "/", id: undefined, data }),
    );
  }

  #newPipe(): Pipe {
    return new Pipe(`pipe${this.#pipes++}`, this.#clock, (from, frame) => this.#hear(from, frame));
  }

  #say(frame: Frame): void {
    this.#sent.push(frame);
    this.#pipe.say(frame);
  }

  /** The client hears nothing any more over the pipe that it had, and claims its session over another. */
  #return(): void {
    const isAlive = ["open", "upgrading", "suspended"].includes(this.#serverEnd.session.state);
    this.#pipe = this.#newPipe();
    const claim = { secret: this.#secret, received: this.#received };
    const agreed = this.#serverEnd.acceptClaim(this.#pipe.server, claim);
    if (!this.#spoilt) check(agreed === isAlive, "the client's own claim was refused", () => claim);
  }

  /** Somebody claims it who may have got hold of a secret. Nobody listens to what he hears. */
  #claim(secret: Secret, count: Count): void {
    const session = this.#serverEnd.session;
    const before = {
      state: session.state,
      transport: session.transport,
      generation: this.#serverEnd.generation,
    };
    const counts = {
      right: this.#received,
      less: this.#received - 1,
      more: this.#received + 1,
      future: 2 ** 40,
    };
    const secrets = { last: this.#secret, before: this.#secretBefore, wrong: "wrong" };
    const { server } = this.#newPipe();
    const agreed = this.#serverEnd.acceptClaim(server, { secret: secrets[secret], received: counts[count] });
    if (agreed) {
      check(secret !== "wrong" && count !== "future", "a claim was agreed to that is no good");
      this.#spoilt = true;
      return;
    }
    const after = {
      state: session.state,
      transport: session.transport,
      generation: this.#serverEnd.generation,
    };
    check(
      Object.entries(before).every(([key, value]) => after[key as keyof typeof after] === value),
      "a claim that was refused has changed something",
    );
  }

  /** At the client. */
  #hear(from: Pipe, frame: Frame): void {
    if (from !== this.#pipe) return;
    if (typeof frame !== "string" || frame.startsWith("4") || frame.startsWith("b")) {
      this.#received++;
      const number = /^4(?:2|51-)\["n",(\d+)/.exec(String(frame))?.[1];
      if (number !== undefined) this.#heard.push(Number(number));
    } else if (frame.startsWith("0{")) {
      const { resume } = JSON.parse(frame.slice(1)) as { resume: { secret: string; received?: number } };
      if (resume.secret !== this.#secret) this.#secretBefore = this.#secret;
      this.#secret = resume.secret;
      if (resume.received !== undefined)
        this.#pipe.say(`6${this.#received}`, ...this.#sent.slice(resume.received));
    } else if (frame.startsWith("2") && this.#answers) {
      this.#pipe.say(`3${this.#received}`);
    }
  }

  /** At the server. */
  #came(packet: Packet): void {
    check(this.#endings.length === 0, "a packet after the end");
    const [event, number] = packet.type === PacketType.EVENT ? packet.data : [];
    if (event === "m") this.#arrived.push(number as number);
  }

  /** Everybody leaves: then nothing is left, the end was told once, and nothing is missing, came twice or out of order. */
  #end(): void {
    this.#pipe.server.cut();
    this.#clock.advance(100_000);
    check(
      this.#serverEnd.session.state === "closed",
      "the session lives on",
      () => this.#serverEnd.session.state,
    );
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
    for (const numbers of this.#spoilt ? [this.#heard] : [this.#heard, this.#arrived])
      check(
        numbers.every((number, at) => number === at),
        "events are missing, out of order, or came twice",
        () => numbers,
      );
  }
}
