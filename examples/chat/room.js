// @ts-check
// The one room of the chat: who is in it, and what they say to each other.
//
// A client joins by connecting with `auth: { name, key }`. Because `auth` goes along with every connection,
// someone whose connection broke is in the room again as soon as it is back, without a word from the page.

import { CallError } from "@sockeye/server";

/**
 * What clients send. Nothing about it is known until it has been looked at.
 * @typedef {object} FromClient
 * @property {(text: unknown, reply: unknown) => void} say For clients without rooms, in place of publishing `said`. `reply` is called with a `Receipt`.
 * @property {(on: unknown) => void} typing Repeated every few seconds for as long as somebody types.
 */

/** @typedef {{ ok: true, at: number } | { ok: false, reason: string }} Receipt `at` in milliseconds since 1970. */
/** @typedef {{ name: string, text: string, at: number }} Message */

/**
 * What clients get. Those who join the room `chat` hear `said` with its position, and know who is there by presence; `joined`, `left` and the
 * people of `welcome` are for the others.
 * @typedef {object} FromServer
 * @property {(room: { name: string, people: string[] }) => void} welcome Your name here, and everyone's (yours too).
 * @property {(name: string) => void} joined
 * @property {(name: string) => void} left
 * @property {(message: Message) => void} said Goes to everyone but whoever sent `say`, who gets the receipt.
 * @property {(name: string, on: boolean) => void} typing
 */

/** @typedef {Record<string, never>} BetweenServers */
/** @typedef {{ name: string, mayGoOn: () => boolean }} Data */
/** @typedef {import("@sockeye/server").Server<FromClient, FromServer, BetweenServers, Data>} ChatServer */
/** @typedef {import("@sockeye/server").Socket<FromClient, FromServer, BetweenServers, Data>} ChatSocket */
/** @typedef {{ readonly name: string, readonly key: string, readonly socket: ChatSocket }} Person */

const ROOM = "chat";
export const NAME_LENGTH = 24;
export const TEXT_LENGTH = 2000;
/** How many events one connection may send in how many milliseconds; what is beyond that is dropped. */
const ALLOWANCE = { events: 40, perMs: 10_000 };

/** @param {ChatServer} io */
export function openRoom(io) {
  /** @type {Map<string, Person>} By `fold(name)`. */
  const people = new Map();

  io.room(ROOM, {
    keep: { count: 500, age: "7d" },
    presence: (socket) => socket.data.name,
    // Everyone who was let in may read and write.
    authorize: () => true,
    // Pages publish a text. Who wrote it, and when, is not theirs to say.
    onPublish: (socket, { event, args: [text] }) => {
      if (event !== "said") return false;
      const message = compose(socket, text);
      if (typeof message === "string") throw new CallError("REFUSED", undefined, { message });
      return [message];
    },
  });

  io.use((socket, next) => {
    const named = cleanName(socket.handshake.auth["name"]) !== undefined;
    next(named ? undefined : new Error(`Choose a name of 1 to ${NAME_LENGTH} characters.`));
  });

  io.on("connection", (socket) => {
    const wanted = cleanName(socket.handshake.auth["name"]) ?? "?";
    const key = cleanKey(socket.handshake.auth["key"]);
    const before = people.get(fold(wanted));
    const isBack = before !== undefined && key !== "" && before.key === key;
    const name = isBack ? before.name : freeName(wanted, people);
    const person = { name, key, socket };
    people.set(fold(name), person);
    socket.data.name = name;
    socket.data.mayGoOn = allowance(ALLOWANCE);
    socket.join(ROOM);
    // Also those are shown whose client knows nothing of rooms.
    io.room(ROOM).setPresence(socket, null);
    // Back before the server noticed that the old connection is dead: nobody left, so nobody joined.
    if (isBack) before.socket.disconnect(true);
    else socket.broadcast.emit("joined", name);

    socket.emit("welcome", { name, people: [...people.values()].map((each) => each.name) });
    listen(person);
    socket.on("disconnect", (reason) => {
      if (people.get(fold(name)) !== person) return;
      people.delete(fold(name));
      if (reason !== "server shutting down") socket.broadcast.emit("left", name);
    });
  });
}

/** @param {Person} person */
function listen({ name, socket }) {
  socket.on("say", (text, reply) => {
    const message = compose(socket, text);
    const isRefused = typeof message === "string";
    if (!isRefused) socket.to(ROOM).emit("said", message);
    /** @type {Receipt} */
    const receipt = isRefused ? { ok: false, reason: message } : { ok: true, at: message.at };
    if (typeof reply === "function") reply(receipt);
  });

  socket.on("typing", (on) => {
    if (typeof on === "boolean" && socket.data.mayGoOn()) socket.broadcast.emit("typing", name, on);
  });
}

/**
 * @param {ChatSocket} socket
 * @param {unknown} text
 * @returns {Message | string} Why not, if it is a text.
 */
function compose({ data: { name, mayGoOn } }, text) {
  if (!mayGoOn()) return "That was a lot at once. Wait a moment.";
  const clean = cleanText(text);
  return clean === undefined
    ? `A message has 1 to ${TEXT_LENGTH} characters.`
    : { name, text: clean, at: Date.now() };
}

/**
 * @param {unknown} value
 * @returns {string | undefined} The name on one line without invisible characters, or nothing if it is unfit.
 */
export function cleanName(value) {
  if (typeof value !== "string" || value.length > 10 * NAME_LENGTH) return undefined;
  const name = value
    .normalize("NFC")
    .replace(/\s/gu, " ")
    .replace(/[\p{Cc}\p{Cf}\p{Co}\p{Cs}]/gu, "")
    .split(" ")
    .filter((word) => word !== "")
    .join(" ");
  const { length } = [...name];
  return length >= 1 && length <= NAME_LENGTH ? name : undefined;
}

/**
 * @param {unknown} value
 * @returns {string | undefined} The text without control characters, or nothing if it is unfit.
 */
export function cleanText(value) {
  if (typeof value !== "string" || value.length > TEXT_LENGTH) return undefined;
  const text = value.replace(/[^\P{Cc}\n\t]/gu, "").trim();
  return text === "" ? undefined : text;
}

/**
 * @param {unknown} value
 * @returns {string} The secret by which a page proves that it had the name before; empty if it has none.
 */
function cleanKey(value) {
  return typeof value === "string" && value.length >= 16 && value.length <= 64 ? value : "";
}

/**
 * @param {string} wanted
 * @param {ReadonlyMap<string, unknown>} taken
 * @returns {string} The name itself or, if somebody has it, the name with the lowest free number.
 */
function freeName(wanted, taken) {
  if (!taken.has(fold(wanted))) return wanted;
  for (let number = 2; ; number += 1) {
    const ending = ` ${number}`;
    const name = [...wanted].slice(0, NAME_LENGTH - ending.length).join("") + ending;
    if (!taken.has(fold(name))) return name;
  }
}

/** @param {string} name */
function fold(name) {
  return name.normalize("NFKC").toLowerCase();
}

/**
 * @param {{ events: number, perMs: number }} limit
 * @returns {() => boolean} Whether one more is within the limit.
 */
function allowance({ events, perMs }) {
  let since = Date.now();
  let spent = 0;
  return () => {
    const now = Date.now();
    if (now - since >= perMs) {
      since = now;
      spent = 0;
    }
    spent += 1;
    return spent <= events;
  };
}
