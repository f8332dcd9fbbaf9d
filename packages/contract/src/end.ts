import { ContractError, isOwnEvent } from "@sockeye/protocol";
import type { ContractFor, EventsMap, IntakeOwner } from "@sockeye/socket";
import { Additions, isThenable } from "@sockeye/socket";
import { isDevelopment } from "#development";
import type { CallItem, Items } from "./describe.js";
import { Intake } from "./intake.js";
import { issuesOf } from "./issues.js";
import type { Result, Schema } from "./schema.js";
import { validate } from "./schema.js";

type Event = readonly unknown[];
type Refused = ContractError;

/** What is to be checked of one event or call. */
interface Compiled {
  readonly isCall: boolean;
  readonly args: readonly Schema[];
  readonly call: CallItem | undefined;
}

/** What holds besides for both ends. */
interface Terms {
  readonly passesUnknown: boolean;
  /** What names of rooms must match; left out: anything. */
  readonly rooms?: readonly RegExp[];
}

/** A contract as one end sees it: what comes in, what goes out. */
export class End<Listen extends EventsMap, Emit extends EventsMap, Data>
  implements ContractFor<Listen, Emit, Data>
{
  declare readonly types: { readonly listen: Listen; readonly emit: Emit; readonly data: Data };
  readonly additions: typeof Additions = Additions;
  readonly #incoming: ReadonlyMap<string, Compiled>;
  readonly #outgoing: ReadonlyMap<string, Compiled>;
  /** Of streams and uploads. */
  readonly #streams: ReadonlyMap<string, Partial<Record<"input" | "item" | "end", Schema | undefined>>>;
  readonly #passesUnknown: boolean;
  readonly #rooms: readonly RegExp[] | undefined;

  constructor(incoming: Items, outgoing: Items, { passesUnknown, rooms }: Terms) {
    this.#incoming = compile(incoming);
    this.#outgoing = compile(outgoing);
    // Clients ask for them, in either direction.
    const parts = Object.entries({ ...incoming, ...outgoing }).flatMap(([name, item]) => {
      if (item.kind === "stream") return [[name, item] as const];
      return item.kind === "upload" ? [[name, { input: item.input, end: item.answer }] as const] : [];
    });
    this.#streams = new Map(parts);
    this.#passesUnknown = passesUnknown;
    this.#rooms = rooms;
  }

  intake(owner: IntakeOwner): (event: Event) => void {
    const intake = new Intake(this, owner);
    return (event) => intake.take(event);
  }

  /**
   * Checks an event that came in. With schemas that are synchronous the result is there at once.
   *
   * @returns the event for the handlers, without an acknowledgement that no handler knows of; or why it is refused
   */
  incoming(event: Event): Event | Refused | PromiseLike<Event | Refused> {
    const name = String(event[0]);
    const compiled = this.#incoming.get(name);
    if (compiled === undefined) return this.#passesUnknown || isOwnEvent(name) ? event : undeclared(name);
    return check(name, event, compiled);
  }

  published(event: Event): Event | PromiseLike<Event> {
    const name = String(event[0]);
    const heard = eventOf(this.#incoming, name);
    const compiled = heard ?? eventOf(this.#outgoing, name);
    if (compiled === undefined) {
      if (this.#passesUnknown) return event;
      throw undeclared(name);
    }
    const read = (verdict: Event | Refused): Event => {
      if (verdict instanceof ContractError) throw verdict;
      return heard ? verdict : event;
    };
    const checked = check(name, event, compiled);
    return isThenable(checked) ? checked.then(read) : read(checked);
  }

  /** Is it declared, as a call? */
  isCall(name: string): boolean {
    return this.#incoming.get(name)?.isCall === true;
  }

  outgoing(event: Event, late: (error: unknown) => void): void {
    if (!isDevelopment) return;
    const name = String(event[0]);
    const compiled = this.#outgoing.get(name);
    if (compiled === undefined) {
      if (this.#passesUnknown || isOwnEvent(name)) return;
      throw undeclared(name);
    }
    const checked = check(name, event, compiled);
    if (isThenable(checked)) {
      checked.then((settled) => {
        if (settled instanceof ContractError) late(settled);
      }, late);
    } else if (checked instanceof ContractError) throw checked;
  }

  undeclaredRoom(room: string): ContractError | undefined {
    return this.#rooms?.every((pattern) => !pattern.test(room)) ? undeclared(room, "room ") : undefined;
  }

  misnamedRoom(room: string): ContractError | undefined {
    return isDevelopment ? this.undeclaredRoom(room) : undefined;
  }

  answer(name: string, value: unknown): unknown {
    return one(`the answer of "${name}"`, this.#outgoing.get(name)?.call?.answer, value);
  }

  refusal(name: string, code: string, data: unknown): unknown {
    const errors = this.#outgoing.get(name)?.call?.errors ?? {};
    return Object.hasOwn(errors, code) ? one(`the refusal of "${name}"`, errors[code], data) : data;
  }

  outgoingAnswer(name: string, value: unknown): unknown {
    const schema = this.#incoming.get(name)?.call?.answer;
    return isDevelopment && schema ? one(`the answer of "${name}"`, schema, value) : undefined;
  }

  streamPart(name: string, part: "input" | "item" | "end", value: unknown): unknown {
    const stream = this.#streams.get(name);
    if (!stream && !this.#passesUnknown) throw undeclared(name);
    return one(`the ${part} of "${name}"`, stream?.[part], value);
  }
}

function compile(items: Items): Map<string, Compiled> {
  const compiled = new Map<string, Compiled>();
  for (const [name, item] of Object.entries(items)) {
    if (item.kind === "event") compiled.set(name, { isCall: false, args: item.args, call: undefined });
    if (item.kind === "call")
      compiled.set(name, { isCall: true, args: item.input ? [item.input] : [], call: item });
  }
  return compiled;
}

function eventOf(items: ReadonlyMap<string, Compiled>, name: string): Compiled | undefined {
  const compiled = items.get(name);
  return compiled?.isCall ? undefined : compiled;
}

function undeclared(name: string, kind = ""): ContractError {
  return new ContractError(
    "ERR_UNDECLARED",
    `the contract declares no ${kind}${JSON.stringify(name.slice(0, 100))}`,
  );
}

function check(
  name: string,
  event: Event,
  { args, isCall }: Compiled,
): Event | Refused | PromiseLike<Event | Refused> {
  const last = event.length - 1;
  const ack = last > 0 && typeof event[last] === "function" ? event[last] : undefined;
  const count = ack === undefined ? last : last - 1;
  if (count > args.length) return tooMany(name, args.length);
  const values = event.slice(0, count + 1);
  try {
    for (let at = 0; at < args.length; at++) {
      const result = validate(args[at] as Schema, values[at + 1]);
      if (isThenable(result)) return later(name, { values, args, at, result, ack: isCall ? ack : undefined });
      if (result.issues) return invalid(name, values, { at, args, issues: result.issues });
      if (at < count || result.value !== undefined) values[at + 1] = result.value;
    }
  } catch (error) {
    return failed(name, error);
  }
  return finished(values, args.length, isCall ? ack : undefined);
}

/** Where a listener of a call takes its input and the acknowledgement, each has its place. */
function finished(values: unknown[], length: number, ack: unknown): Event {
  if (ack === undefined) return values;
  while (values.length <= length) values.push(undefined);
  values.push(ack);
  return values;
}

interface Unfinished {
  readonly values: unknown[];
  readonly args: readonly Schema[];
  readonly at: number;
  readonly result: PromiseLike<Result>;
  readonly ack: unknown;
}

/** The rest, from the first schema on that is asynchronous. */
async function later(
  name: string,
  { values, args, at: first, result, ack }: Unfinished,
): Promise<Event | Refused> {
  const count = values.length - 1;
  try {
    for (let at = first; at < args.length; at++) {
      const settled = await (at === first ? result : validate(args[at] as Schema, values[at + 1]));
      if (settled.issues) return invalid(name, values, { at, args, issues: settled.issues });
      if (at < count || settled.value !== undefined) values[at + 1] = settled.value;
    }
  } catch (error) {
    return failed(name, error);
  }
  return finished(values, args.length, ack);
}

/** One value against one schema. @throws ContractError, also as a rejection */
function one(what: string, schema: Schema | undefined, value: unknown): unknown {
  if (schema === undefined) return value;
  let result: Result | PromiseLike<Result>;
  try {
    result = validate(schema, value);
  } catch (error) {
    throw failed(what, error);
  }
  const read = (settled: Result): unknown => {
    if (settled.issues) throw refused(what, issuesOf(settled.issues, value, []));
    return settled.value;
  };
  return isThenable(result) ? result.then(read) : read(result);
}

function invalid(
  name: string,
  values: Event,
  { at, args, issues }: { at: number; args: readonly Schema[]; issues: Parameters<typeof issuesOf>[0] },
): ContractError {
  const what = JSON.stringify(name);
  return refused(what, issuesOf(issues, values[at + 1], args.length > 1 ? [at] : []));
}

function refused(what: string, issues: ReturnType<typeof issuesOf>): ContractError {
  const places = issues.map(({ path }) => `/${path.join("/")}`).join(", ");
  return new ContractError("ERR_INVALID", `${what} does not keep to the contract at ${places}`, issues);
}

function tooMany(name: string, most: number): ContractError {
  const issue = { path: [most], message: `More than ${most} arguments` };
  return refused(JSON.stringify(name), [issue]);
}

function failed(name: string, cause: unknown): ContractError {
  return new ContractError("ERR_INTERNAL", `the schema of ${name} has thrown`, [], cause);
}
