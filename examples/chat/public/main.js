// @ts-check
// The page of the chat: the door (choose a name) and the room, and the socket that leads from one to the other.
import { Log } from "./log.js";
import { People } from "./people.js";
import { chosenTransports, connectedOver, loadClient, offerTransports } from "./transports.js";
import { OwnTyping, Typists } from "./typing.js";
import { Visits } from "./visits.js";

/** @typedef {import("../room.js").FromServer} FromServer */
/** @typedef {import("../room.js").Message} Message */
/** @typedef {{ said: (text: string) => void, typing: (on: boolean) => void }} ToServer */
/** @typedef {import("@sockeye/client").Socket<FromServer, ToServer> & import("@sockeye/rooms/client").RoomMethods<FromServer, ToServer>} ChatSocket */
/** @typedef {{ message: Message, id: string | undefined, position: string }} Said */

const TITLE = document.title;
/** How long a message may take until it counts as not sent, in milliseconds. */
const SEND_TIMEOUT_MS = 10_000;
/** What somebody who comes in sees of what was said before. */
const SHOWN_FIRST = "last:50";
/** If more come or go at once, only their number is said. */
const MOST_NAMED = 4;

/**
 * What a page hands over to itself when it is loaded anew with another transport.
 * @typedef {{ readonly name: string, readonly key: string, readonly text: string, readonly isInRoom: boolean }} Kept
 */
const kept = /** @type {Kept | null} */ (history.state);
// Once only: whoever reloads the page later comes to the door.
history.replaceState(null, "");
const rooms = await loadClient();

const door = find("door", HTMLElement);
const room = find("room", HTMLElement);
const nameField = find("name", HTMLInputElement);
const textField = find("text", HTMLTextAreaElement);
const joinButton = /** @type {HTMLButtonElement} */ (door.querySelector("button"));
const problem = find("problem", HTMLElement);
const banner = find("banner", HTMLElement);
const transport = find("transport", HTMLElement);
const peoplePanel = find("people", HTMLElement);
const peopleButton = find("people-button", HTMLButtonElement);
const narrow = matchMedia("(max-width: 760px)");

const log = new Log(find("log", HTMLElement), find("jump", HTMLElement));
const people = new People({
  list: find("names", HTMLElement),
  count: find("count", HTMLElement),
  me: find("me", HTMLElement),
});
const typists = new Typists(find("typing", HTMLElement), find("typists", HTMLElement));
const ownTyping = new OwnTyping((on) => socket.connected && socket.emit("typing", on));

const visits = new Visits();
let name = "";
let unread = 0;
// Proves to the server, after a broken connection, that this page had the name before.
const key =
  kept?.key ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

const dialled = io({
  extend: [rooms],
  autoConnect: false,
  reconnectionDelayMax: 3000,
  // Asked for at every connection, so whoever is back is in the room again by the same name.
  auth: (give) => give({ name, key }),
  ...chosenTransports(),
});
const socket = /** @type {ChatSocket} */ (/** @type {unknown} */ (dialled));

const chat = socket.room("chat");
/** Own messages that are on their way. @type {Map<string, import("./log.js").Line>} */
const sending = new Map();
/** What was said before this page came, until it is all there. @type {Said[] | undefined} */
let earlier;
/** Those who are there when the room is joined did not come just now. */
let isJoining = false;

socket.on("welcome", async (welcome) => {
  people.iAm(welcome.name);
  typists.clear();
  banner.hidden = true;
  if (room.hidden) {
    showRoom();
    await catchUp();
    log.notice(`Welcome, ${welcome.name}`);
    if (welcome.name !== name) log.notice(`Somebody is called ${name} already, so you are ${welcome.name}`);
  } else {
    log.notice(`You are back as ${welcome.name}`);
  }
  name = welcome.name;
});

chat.on("said", (message) => typists.delete(message.name));
chat.onEvent(({ args, id, position }) => {
  const said = { message: /** @type {Message} */ (args[0]), id, position };
  if (earlier === undefined) hear(said);
  else earlier.push(said);
});
chat.onJoin(({ complete }) => {
  isJoining = true;
  queueMicrotask(() => {
    isJoining = false;
  });
  if (!complete && earlier === undefined) log.notice("Some of what was said meanwhile is lost");
});
chat.presence.on("change", ({ joined, left }) => {
  people.show(chat.presence.members);
  for (const who of left) typists.delete(who);
  if (isJoining) return;
  tell(
    joined.map((person) => person.key).filter((who) => who !== name),
    "joined",
  );
  tell(left, "left");
});
socket.on("typing", (who, on) => {
  if (on) typists.add(who);
  else typists.delete(who);
});

socket.on("disconnect", () => {
  showTransport(undefined);
  typists.clear();
  if (!socket.active) chat.leave();
  if (socket.active) showBanner("The connection is lost. Reconnecting\u2026");
  else showDoor("");
});
// Outages of some seconds are bridged without a `disconnect`, but someone who writes during one wants to know.
socket.onStatus((status) => {
  if (status === "suspended") {
    showBanner("Reconnecting\u2026");
    showTransport(undefined, "Reconnecting\u2026");
  } else if (status === "connected") {
    banner.hidden = true;
    showTransport(socket.io.engine.transport.name);
  }
});
socket.on("connect_error", (error) => {
  if (!socket.active) showDoor(error.message);
  else if (room.hidden) problem.textContent = "The server does not answer. Trying again\u2026";
});
socket.io.on("open", () => {
  const { engine } = socket.io;
  showTransport(engine.transport.name);
  engine.on("upgrade", (/** @type {{ name: string }} */ better) => showTransport(better.name));
});

find("enter", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  name = nameField.value.trim();
  problem.textContent = name === "" ? "Choose a name first." : "";
  if (name === "") return nameField.focus();
  visits.name = name;
  joinButton.disabled = true;
  socket.connect();
});

find("compose", HTMLFormElement).addEventListener("submit", (event) => {
  event.preventDefault();
  const text = textField.value.trim();
  textField.focus();
  if (text === "") return;
  textField.value = "";
  fitText();
  ownTyping.sent();
  say(text);
});

textField.addEventListener("input", () => {
  fitText();
  if (textField.value.trim() === "") ownTyping.over();
  else ownTyping.changed();
});
textField.addEventListener("keydown", (event) => {
  // Enter also ends the composition of a character (Japanese, Chinese, …); that one is not for us.
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  textField.form?.requestSubmit();
});

find("leave", HTMLElement).addEventListener("click", () => socket.disconnect());
peopleButton.addEventListener("click", () => showPeople(!peoplePanel.classList.contains("open")));
narrow.addEventListener("change", adaptToWidth);
document.addEventListener("keydown", (event) => event.key === "Escape" && showPeople(false));
document.addEventListener("click", ({ target }) => {
  if (!(target instanceof Node)) return;
  if (!peoplePanel.contains(target) && !peopleButton.contains(target)) showPeople(false);
});
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  showUnread(0);
  noteRead();
});
// Safari lays its keyboard over the page without making the page smaller; this makes it smaller.
window.visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${window.visualViewport?.height ?? 0}px`);
  window.scrollTo(0, 0);
});

adaptToWidth();
offerTransports(changeTransport);
nameField.value = kept?.name ?? visits.name;
nameField.focus();
if (kept !== null) {
  textField.value = kept.text;
  if (kept.isInRoom) nameField.form?.requestSubmit();
}

/** @param {string} text */
function say(text) {
  // However often it is sent, the room has what has this id once.
  const id = visits.write();
  const line = log.add({ name, text, at: Date.now(), own: true });
  sending.set(id, line);
  send();

  function send() {
    chat.publish("said", [text], { id, signal: AbortSignal.timeout(SEND_TIMEOUT_MS) }).catch((error) => {
      if (sending.has(id)) line.failed(error.reason === "REFUSED" ? error.message : "Not sent.", send);
    });
  }
}

/** @param {Said} said */
function hear({ message, id }) {
  const line = id === undefined ? undefined : sending.get(id);
  if (line !== undefined && id !== undefined) {
    sending.delete(id);
    line.sent(message.at);
  } else add({ message, id });
  if (line === undefined && document.hidden) showUnread(unread + 1);
  noteRead();
}

/** @param {{ message: Message, id: string | undefined }} said */
function add({ message, id }) {
  const own = isOwn({ message, id });
  const line = log.add({ ...message, own });
  if (own) line.sent(message.at);
}

/**
 * Whoever has your name today need not have written what you wrote yesterday.
 *
 * @param {{ message: Message, id: string | undefined }} said
 */
function isOwn({ message, id }) {
  return message.name === name && visits.wrote(id);
}

/** Shows what was said before, and where what is new since your last visit begins. */
async function catchUp() {
  const { read } = visits;
  earlier = [];
  const joined = await chat.join({ since: SHOWN_FIRST }).catch(() => undefined);
  const all = earlier;
  earlier = undefined;
  // If the last one that was read is not among them, all are new.
  const from = all.findIndex(({ position }) => position === read) + 1;
  const fresh = read === "" || read === joined?.position ? [] : all.slice(from);
  const count = fresh.filter((said) => !isOwn(said)).length;
  let showMark = () => {};
  all.forEach((said, at) => {
    if (count > 0 && at === from) showMark = log.mark(`${count} new since your last visit`);
    add(said);
  });
  showMark();
  noteRead();
}

function noteRead() {
  if (!document.hidden && chat.position !== undefined) visits.read = chat.position;
}

/**
 * @param {readonly string[]} who
 * @param {string} what
 */
function tell(who, what) {
  if (who.length > MOST_NAMED) log.notice(`${who.length} people ${what}`);
  else for (const each of who) log.notice(`${each} ${what}`);
}

function showRoom() {
  door.hidden = true;
  room.hidden = false;
  joinButton.disabled = false;
  problem.textContent = "";
  log.clear();
  textField.focus();
}

/** @param {string} reason */
function showDoor(reason) {
  room.hidden = true;
  door.hidden = false;
  joinButton.disabled = false;
  problem.textContent = reason;
  showUnread(0);
  showPeople(false);
  nameField.focus();
}

/** @param {string} text */
function showBanner(text) {
  banner.textContent = text;
  banner.hidden = false;
}

/**
 * @param {string | undefined} used
 * @param {string} otherwise What to show without one.
 */
function showTransport(used, otherwise = "Not connected") {
  transport.dataset["transport"] = used ?? "";
  transport.dataset["status"] = socket.status;
  transport.textContent = used === undefined ? otherwise : connectedOver(used);
}

/** @param {boolean} open On a wide screen the people are in sight anyway. */
function showPeople(open) {
  if (open === peoplePanel.classList.contains("open")) return;
  peoplePanel.classList.toggle("open", open);
  peopleButton.ariaExpanded = String(open);
  if (open) peoplePanel.focus();
  else if (peoplePanel.contains(document.activeElement)) peopleButton.focus();
}

function adaptToWidth() {
  showPeople(false);
  peopleButton.disabled = !narrow.matches;
}

/** @param {number} count */
function showUnread(count) {
  unread = count;
  document.title = count === 0 ? TITLE : `(${count}) ${TITLE}`;
}

/** Makes the text field as high as its text; CSS sets the limit. */
function fitText() {
  textField.style.height = "auto";
  textField.style.height = `${textField.scrollHeight + textField.offsetHeight - textField.clientHeight}px`;
}

/**
 * Loads the page anew, since not every client has every transport. The key keeps the name, even if the server has not
 * noticed yet that this page has gone.
 *
 * @param {string} search The new query of the address.
 */
function changeTransport(search) {
  const isInRoom = !room.hidden;
  /** @type {Kept} */
  const handedOver = { name: isInRoom ? name : nameField.value, key, text: textField.value, isInRoom };
  history.replaceState(handedOver, "", `/${search}`);
  location.reload();
}

/**
 * @template {HTMLElement} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
function find(id, type) {
  const found = document.getElementById(id);
  if (!(found instanceof type)) throw new Error(`the page lacks #${id}`);
  return found;
}
