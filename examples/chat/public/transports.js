// @ts-check
// The transport: which one the address asks for, choosing another one, and the client that has it.

/**
 * Each transport that can be chosen: its name in the list, and at the end of "Connected over …".
 * @type {ReadonlyMap<string, { readonly name: string, readonly over: string }>}
 */
const TRANSPORTS = new Map([
  ["websocket", { name: "WebSocket", over: "WebSocket" }],
  ["polling", { name: "HTTP long-polling", over: "HTTP long-polling" }],
  ["stream", { name: "HTTP stream", over: "an HTTP stream" }],
  ["sse", { name: "Server-sent events", over: "server-sent events" }],
  ["iframe", { name: "Iframe", over: "an iframe" }],
  ["jsonp", { name: "JSONP", over: "JSONP" }],
]);

/** Only the client for old browsers has these. */
const OF_OLD_BROWSERS = ["iframe", "jsonp"];

const chosen = (new URLSearchParams(location.search).get("transport") ?? "")
  .split(",")
  .filter((each) => TRANSPORTS.has(each));

/** @returns {{ transports?: string[] }} What `?transport=polling` or `?transport=stream,polling` asks for. */
export function chosenTransports() {
  return chosen.length > 0 ? { transports: chosen } : {};
}

/** @param {string} used */
export function connectedOver(used) {
  return `Connected over ${TRANSPORTS.get(used)?.over ?? used}`;
}

/**
 * Loads the client, which leaves `io` behind: the one that has all, and over it the one for old browsers if its transports are asked for.
 *
 * @returns {Promise<import("@sockeye/rooms/client").RoomsExtension>} What gives sockets their rooms: the client for old browsers has none.
 */
export async function loadClient() {
  await loadScript("/socket.io/sockeye.full.min.js");
  const { rooms } = io;
  const isOld = chosen.some((each) => OF_OLD_BROWSERS.includes(each));
  if (isOld) await loadScript("/socket.io/sockeye.legacy.min.js");
  return rooms;
}

/**
 * @param {string} src
 * @returns {Promise<void>}
 */
function loadScript(src) {
  const script = document.createElement("script");
  script.src = src;
  return new Promise((resolve, reject) => {
    script.onload = () => resolve();
    script.onerror = () => reject(new Error(`${script.src} cannot be loaded`));
    document.head.append(script);
  });
}

/**
 * Fills each list of transports.
 *
 * @param {(search: string) => void} choose is called with the address's new query when somebody chose.
 */
export function offerTransports(choose) {
  for (const list of document.querySelectorAll("select")) {
    list.add(new Option("Automatic", ""));
    for (const [transport, { name }] of TRANSPORTS) list.add(new Option(name, transport));
    // Of several names that the address gives none is the chosen one, and the list shows none.
    list.value = chosen.join(",");
    list.addEventListener("change", () => choose(list.value === "" ? "" : `?transport=${list.value}`));
  }
}
