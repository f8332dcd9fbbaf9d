// @ts-check
// What this browser remembers between visits: your name, how far you have read, and which messages are yours.

/** Older ones are not in the room any more. */
const OWN_KEPT = 300;

export class Visits {
  get name() {
    return recall("name");
  }

  set name(name) {
    store("name", name);
  }

  /** The position behind the last message that was in sight; empty on the first visit. */
  get read() {
    return recall("read");
  }

  set read(position) {
    store("read", position);
  }

  /** @returns {string} An id for a message of yours that nobody can guess: whoever knows it could use it first. */
  write() {
    // Made here rather than with `randomUUID`, which a phone that tries the chat out over plain HTTP does not have.
    const id = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(36)).join("-");
    store("own", [...this.#own, id].slice(-OWN_KEPT).join(" "));
    return id;
  }

  /** @param {string | undefined} id */
  wrote(id) {
    return id !== undefined && this.#own.includes(id);
  }

  get #own() {
    return recall("own").split(" ");
  }
}

/** For browsers that store nothing for us. @type {Map<string, string>} */
const forNow = new Map();

/** @param {string} key */
function recall(key) {
  try {
    return localStorage.getItem(key) ?? "";
  } catch {
    return forNow.get(key) ?? "";
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function store(key, value) {
  forNow.set(key, value);
  try {
    localStorage.setItem(key, value);
  } catch {
    // It is known until the page is left.
  }
}
