// @ts-check
// Both sides of "is typing": saying that you are, and showing who is.

/** While somebody goes on typing, this is how often it is said again, in milliseconds. */
const REPEAT_MS = 2000;
/** After this pause the typing is over. */
const PAUSE_MS = 3000;
/** Whoever fell silent without a word (their network broke) stops typing on this page after this time. */
const FORGET_MS = 6000;

/** Says that you are typing: once at the start, again now and then, and when it is over. */
export class OwnTyping {
  #say;
  #saidAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} Runs while you are typing. */
  #pause;

  /** @param {(on: boolean) => void} say */
  constructor(say) {
    this.#say = say;
  }

  /** To be called at each change of the text. */
  changed() {
    if (this.#pause === undefined || Date.now() - this.#saidAt >= REPEAT_MS) {
      this.#say(true);
      this.#saidAt = Date.now();
    }
    clearTimeout(this.#pause);
    this.#pause = setTimeout(() => this.over(), PAUSE_MS);
  }

  /** The text is gone or nobody touches it any more. */
  over() {
    if (this.#forget()) this.#say(false);
  }

  /** The message is on its way, which says by itself that the typing is over. */
  sent() {
    this.#forget();
  }

  #forget() {
    const wasTyping = this.#pause !== undefined;
    clearTimeout(this.#pause);
    this.#pause = undefined;
    return wasTyping;
  }
}

/** Shows who is typing. */
export class Typists {
  #line;
  #text;
  /** @type {Map<string, ReturnType<typeof setTimeout>>} */
  #timers = new Map();

  /**
   * @param {HTMLElement} line The whole line, dots included.
   * @param {HTMLElement} text The part of it for the words.
   */
  constructor(line, text) {
    this.#line = line;
    this.#text = text;
  }

  /** @param {string} name */
  add(name) {
    clearTimeout(this.#timers.get(name));
    this.#timers.set(
      name,
      setTimeout(() => this.delete(name), FORGET_MS),
    );
    this.#show();
  }

  /** @param {string} name */
  delete(name) {
    clearTimeout(this.#timers.get(name));
    if (this.#timers.delete(name)) this.#show();
  }

  clear() {
    for (const timer of this.#timers.values()) clearTimeout(timer);
    this.#timers.clear();
    this.#show();
  }

  #show() {
    const names = [...this.#timers.keys()];
    this.#line.classList.toggle("on", names.length > 0);
    this.#text.textContent = sentence(names);
  }
}

/** @param {readonly string[]} names */
function sentence(names) {
  const [first, second] = names;
  if (first === undefined) return "";
  if (second === undefined) return `${first} is typing`;
  return names.length === 2 ? `${first} and ${second} are typing` : "Several people are typing";
}
