import { isOwnEvent, shown } from "@sockeye/protocol";
import type { ContractEnd } from "@sockeye/socket";

/** What is warned of, as the code of the warning: `node --disable-warning=CODE` switches it off. */
export type WarningCode =
  | "SOCKEYE_ORIGIN_REFUSED"
  | "SOCKEYE_UNKNOWN_OPTION"
  | "SOCKEYE_LIMIT"
  | "SOCKEYE_NO_CLIENT_FILES"
  | "SOCKEYE_ROUTES_OVER"
  | "SOCKEYE_TWO_SERVERS"
  | "SOCKEYE_NOT_LISTENING"
  | "SOCKEYE_NO_NEXT"
  | "SOCKEYE_UNHEARD_EVENT"
  | "SOCKEYE_NO_ROOM"
  | "SOCKEYE_UNDECLARED_ROOM"
  | "SOCKEYE_BAD_HEADER"
  | "SOCKEYE_EVENT_REFUSED";

/** Where the docs say more of each: printed below the warning. */
export const WARNING_PAGES: Readonly<Record<WarningCode, string>> = {
  SOCKEYE_ORIGIN_REFUSED: "docs/troubleshooting.md#a-page-is-refused",
  SOCKEYE_UNKNOWN_OPTION: "docs/options.md",
  SOCKEYE_LIMIT: "docs/limits.md",
  SOCKEYE_NO_CLIENT_FILES: "docs/troubleshooting.md#status-404",
  SOCKEYE_ROUTES_OVER: "docs/troubleshooting.md#status-404",
  SOCKEYE_TWO_SERVERS: "docs/troubleshooting.md#it-never-connects",
  SOCKEYE_NOT_LISTENING: "docs/troubleshooting.md#nothing-arrives",
  SOCKEYE_NO_NEXT: "docs/troubleshooting.md#it-never-connects",
  SOCKEYE_UNHEARD_EVENT: "docs/troubleshooting.md#nothing-arrives",
  SOCKEYE_NO_ROOM: "docs/troubleshooting.md#nothing-arrives",
  SOCKEYE_UNDECLARED_ROOM: "docs/contract.md#rooms",
  SOCKEYE_BAD_HEADER: "docs/observability.md#warnings",
  SOCKEYE_EVENT_REFUSED: "docs/contract.md",
};

/** Clients choose some causes, such as origins: of each code there are no more. */
const MOST_CAUSES = 20;

/**
 * Mistakes that would otherwise show as nothing happening: one line on the console for each cause, with what to do. For who develops or tests;
 * with `NODE_ENV=production` there are the channels and metrics. As warnings of the process they can be listened to
 * (`process.on("warning")`), traced (`--trace-warnings`), and switched off.
 */
export class Warnings {
  readonly #causes = new Map<WarningCode, Set<string>>();

  /**
   * @param cause what makes two warnings of a code the same
   * @param text made only if it is needed; what strangers have chosen has passed `shown`
   */
  warnOnce(code: WarningCode, cause: string, text: () => string): void {
    if (process.env["NODE_ENV"] === "production") return;
    let causes = this.#causes.get(code);
    if (causes === undefined) {
      causes = new Set();
      this.#causes.set(code, causes);
    }
    if (causes.size >= MOST_CAUSES || causes.has(cause)) return;
    causes.add(cause);
    process.emitWarning(text(), { code, detail: `See ${WARNING_PAGES[code]}` });
  }
}

const ofProcess = new Warnings();

/** A room that is called `undefined` is most probably none that the app means. @param call how the app has called it */
export function warnOfNoRoom(room: unknown, call: string): void {
  const missing = Array.isArray(room) ? room.includes(undefined) || room.includes(null) : isMissing(room);
  if (!missing) return;
  ofProcess.warnOnce(
    "SOCKEYE_NO_ROOM",
    call,
    () =>
      `Sockeye: ${call}(${Array.isArray(room) ? "[…, undefined, …]" : String(room)}) names no room. Look where the name should have come from`,
  );
}

function isMissing(room: unknown): boolean {
  return room === undefined || room === null;
}

/** What may be the id of a socket, which is a room, too. */
const LIKE_AN_ID = /^[\w-]{20}$/;

/** Rooms that the app names and the contract does not declare. @param call how the app has named them */
export function warnOfUndeclaredRooms(rooms: unknown, call: string, contract: ContractEnd): void {
  for (const room of Array.isArray(rooms) ? (rooms as readonly unknown[]) : [rooms]) {
    if (typeof room !== "string" || LIKE_AN_ID.test(room) || isOwnEvent(room)) continue;
    const error = contract.misnamedRoom(room);
    const text = (): string => `Sockeye: ${call}: ${error?.message}. Declare it in "rooms", or mend the name`;
    if (error) ofProcess.warnOnce("SOCKEYE_UNDECLARED_ROOM", room, text);
  }
}

/** What a server emits on a namespace itself. */
const NAMESPACE_EVENTS: ReadonlySet<string> = new Set(["connect", "connection", "new_namespace", "error"]);

/** A client has sent an event that its socket has no listener for, but its namespace has. */
export function warnOfUnheard(event: string): void {
  if (NAMESPACE_EVENTS.has(event)) return;
  const name = shown(event);
  ofProcess.warnOnce(
    "SOCKEYE_UNHEARD_EVENT",
    event,
    () =>
      `A client has sent "${name}", which io listens for and its socket does not. Listen on the socket: io.on("connection", (socket) => socket.on("${name}", …))`,
  );
}

/** The app's code has set headers that HTTP does not allow, which are not sent. */
export function warnOfBadHeaders(names: readonly string[], warnings: Warnings): void {
  for (const name of names) {
    warnings.warnOnce(
      "SOCKEYE_BAD_HEADER",
      name,
      () =>
        `The header "${shown(name)}", set in "headers" or "initial_headers", was not sent: HTTP does not allow its name or value. Give it a text without line breaks and characters beyond Latin-1`,
    );
  }
}
