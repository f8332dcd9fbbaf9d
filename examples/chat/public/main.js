// @ts-check
// The page of the chat: the door (choose a name) and the room, and the socket that leads from one to the other.
import { Log } from "./log.js";
import { People } from "./people.js";
import { chosenTransports, connectedOver, loadClient, offerTransports } from "./transports.js";
import { OwnTyping, Typists } from "./typing.js";

/** @typedef {import("../room.js").FromServer} FromServer */
/** @typedef {import("../room.js").Receipt} Receipt */
/** @typedef {{ say: (text: string, reply: (receipt: Receipt) => void) => void, typing: (on: boolean) => void }} ToServer */

const TITLE = document.title;
/** How long a message may take until it counts as not sent, in milliseconds. */
const SEND_TIMEOUT_MS = 10_000;

/**
 * What a page hands over to itself when it is loaded anew with another transport.
 * @typedef {{ readonly name: string, readonly key: string, readonly text: string, readonly isInRoom: boolean }} Kept
 */
const kept = /** @type {Kept | null} */ (history.state);
// Once only: whoever reloads the page later comes to the door.
history.replaceState(null, "");
await loadClient();

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

let name = "";
let unread = 0;
// Proves to the server, after a broken connection, that this page had the name before. Made here rather than
// with `randomUUID`, which a phone that tries the chat out over plain HTTP does not have.
const key =
  kept?.key ?? [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16)).join("-");

/** @type {import("@sockeye/client").Socket<FromServer, ToServer>} */
const socket = io({
  autoConnect: false,
  reconnectionDelayMax: 3000,
  // Asked for at every connection, so whoever is back is in the room again by the same name.
  auth: (give) => give({ name, key }),
  ...chosenTransports(),
});

socket.on("welcome", (welcome) => {
  const isBack = !room.hidden;
  people.reset(welcome.name, welcome.people);
  typists.clear();
  banner.hidden = true;
  if (isBack) {
    log.notice(`You are back as ${welcome.name}`);
  } else {
    showRoom();
    log.notice(`Welcome, ${welcome.name}`);
    if (welcome.name !== name) log.notice(`Somebody is called ${name} already, so you are ${welcome.name}`);
  }
  name = welcome.name;
});
socket.on("joined", (who) => {
  people.add(who);
  log.notice(`${who} joined`);
});
socket.on("left", (who) => {
  people.delete(who);
  typists.delete(who);
  log.notice(`${who} left`);
});
socket.on("said", (message) => {
  typists.delete(message.name);
  log.add({ ...message, own: false });
  if (document.hidden) showUnread(unread + 1);
});
socket.on("typing", (who, on) => {
  if (on) typists.add(who);
  else typists.delete(who);
});

socket.on("disconnect", () => {
  showTransport(undefined);
  typists.clear();
  if (socket.active) showBanner("The connection is lost. Reconnecting\u2026");
  else showDoor("");
});
// Outages of some seconds are bridged without a `disconnect`, but someone who writes during one wants to know. The client of Socket.IO
// does not have this method.
socket.onStatus?.((status) => {
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
  remember(name);
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
document.addEventListener("visibilitychange", () => !document.hidden && showUnread(0));
// Safari lays its keyboard over the page without making the page smaller; this makes it smaller.
window.visualViewport?.addEventListener("resize", () => {
  document.documentElement.style.setProperty("--height", `${window.visualViewport?.height ?? 0}px`);
  window.scrollTo(0, 0);
});

adaptToWidth();
offerTransports(changeTransport);
nameField.value = kept?.name ?? remembered();
nameField.focus();
if (kept !== null) {
  textField.value = kept.text;
  if (kept.isInRoom) nameField.form?.requestSubmit();
}

/** @param {string} text */
function say(text) {
  const line = log.add({ name, text, at: Date.now(), own: true });
  send();

  function send() {
    socket.timeout(SEND_TIMEOUT_MS).emit("say", text, (error, receipt) => {
      if (error) line.failed("Not sent.", send);
      else if (receipt.ok) line.sent(receipt.at);
      else line.failed(receipt.reason, send);
    });
  }
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

/** @param {string} value */
function remember(value) {
  try {
    localStorage.setItem("name", value);
  } catch {
    // The browser stores nothing for us, so the name is typed again next time.
  }
}

function remembered() {
  try {
    return localStorage.getItem("name") ?? "";
  } catch {
    return "";
  }
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
