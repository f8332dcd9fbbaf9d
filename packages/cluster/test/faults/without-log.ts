import { covers, DELAY_MS, type Played, type Process, type Sent, World } from "./world.js";

const NODES = 4;
const STEPS = 150;
/** So long messages wait while there is no connection. */
const WAIT_MS = 2_000;
/** A node that has come back is answered within this time by all whom it reaches: what is said later shows what is missing. */
const ANSWER_MS = 1_000;
/** A gap is told by the turn after the message that shows it. */
const SLACK_MS = 10;

/** Loses nothing untold, repeats nothing, keeps order, settles all queries, and sees no ghosts. */
export async function playWithoutLog(seed: number, watch = (_world: World): void => {}): Promise<Played> {
  const world = await new World(seed, { log: false }).begin();
  watch(world);
  for (let step = 0; step < STEPS; step++) {
    const process = world.pick(world.processes);
    const what = world.random();
    if (what < 0.1) world.misfortune();
    else if (what < 0.2) world.ask(process);
    else for (let n = 0; n < 3; n++) world.emit(process);
    await world.pass(Math.floor(world.random() * 400));
  }
  await world.rest();
  const judge = new Judge(world);
  return { problems: judge.problems, faults: world.faults, silent: judge.silent };
}

class Judge {
  readonly problems: string[] = [];
  silent = 0;

  constructor(readonly world: World) {
    const { processes, queries, clock } = world;
    for (const receiver of processes) {
      this.#events(receiver);
      for (const failure of receiver.node.failures) this.problems.push(`${receiver.name}: ${failure}`);
    }
    for (const { askedAt, settledAt } of queries)
      if (settledAt === undefined) this.problems.push(`the query of ${askedAt} does not settle`);
    for (const { name, node } of processes)
      if (node.seen !== NODES) this.problems.push(`${name} sees ${node.seen} nodes, and there are ${NODES}`);
    const [dead, ...living] = processes;
    dead?.clock.freeze();
    dead?.bus.freeze();
    clock.advance(12_000);
    for (const { name, node } of living)
      if (node.seen !== NODES - 1) this.problems.push(`${name} sees a ghost`);
  }

  #events(receiver: Process): void {
    const got = receiver.socket.got.map(String);
    const known = new Set(got);
    if (known.size < got.length) this.problems.push(`${receiver.name} gets something twice`);
    for (const sender of this.world.processes) {
      const sent = this.world.sent.filter(({ by }) => by === sender);
      const inOrder = sent.filter(({ event }) => known.has(event)).map(({ event }) => event);
      const ofSender = got.filter((event) => event.startsWith(`${sender.name} `));
      if (inOrder.join() !== ofSender.join())
        this.problems.push(`${sender.name} → ${receiver.name} is out of order`);
      for (const one of sent) if (!known.has(one.event)) this.#lost(one, receiver);
    }
  }

  /** Something was lost: was it told, and by the time at which it could be known? */
  #lost({ event, by, at, waits }: Sent, to: Process): void {
    const { cuts, dropped, heard } = this.world.pair(by, to);
    const leftAt = waits
      ? Math.max(at, ...by.downs.filter((down) => covers(down, at)).map(({ to: end }) => end))
      : at;
    const cut = cuts.find((span) => covers(span, leftAt));
    const isDropped = leftAt - at >= WAIT_MS;
    const isExplained = isDropped || this.#wasUnderWay(to, leftAt);
    let shownAt = heard.find(({ sentAt }) => sentAt > leftAt)?.at ?? Number.POSITIVE_INFINITY;
    if (cut) {
      const since = Math.max(cut.from, ...to.gaps.filter((gap) => gap <= leftAt));
      const showing = dropped
        .filter((drop) => drop.at >= since && drop.at <= cut.to)
        .flatMap((drop) => {
          const from = Math.max(leftAt, drop.at) + ANSWER_MS;
          return heard.find(({ topic, sentAt }) => topic === drop.topic && sentAt >= from)?.at ?? [];
        });
      if (showing.length === 0 && !isExplained) {
        this.silent += 1;
        return;
      }
      shownAt = Math.min(...showing);
    } else if (!isExplained) {
      this.problems.push(`${event}, of ${at}, is lost on its way to ${to.name}, and nothing was wrong`);
      return;
    }
    const told = to.gaps.find((gap) => gap >= leftAt);
    if (told === undefined || told > shownAt + SLACK_MS)
      this.problems.push(
        `${event}, of ${at}, is lost on its way to ${to.name}: untold at ${shownAt}, told at ${told ?? "no time"}`,
      );
  }

  /** Had the receiver no connection before the message was taken in? */
  #wasUnderWay(to: Process, leftAt: number): boolean {
    const frozen = to.frozen.find((span) => covers(span, leftAt + DELAY_MS) || covers(span, leftAt));
    const takenAt = Math.max(leftAt + DELAY_MS, frozen?.to ?? 0);
    return to.downs.some(({ from, to: end }) => from <= takenAt && end >= leftAt);
  }
}
