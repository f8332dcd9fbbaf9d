// @ts-check
// The messages: one block per author and burst, notices between them.
import { linked } from "./links.js";
import { avatar, hueOf } from "./people.js";

/** @typedef {{ name: string, text: string, at: number, own: boolean }} Entry */

/** Messages of one author that follow each other within this time stand in one block. */
const BLOCK_MS = 3 * 60_000;
/** Older lines go, so that a tab left open for a week does not grow without end. */
const LINES_KEPT = 1000;
/** How near to its end, in pixels, the list must be to keep showing its end. */
const NEAR_END_PX = 48;

const calendar = new Intl.DateTimeFormat([], { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat([], { timeStyle: "short" });

export class Log {
  #list;
  #jump;
  /** Whether the end of the list is in sight and stays so when something is added. */
  #followsEnd = true;
  /** Of the list, when its end was last looked at. */
  #height = 0;
  /** @type {{ name: string, own: boolean, at: number, lines: HTMLElement } | undefined} */
  #block;

  /**
   * @param {HTMLElement} list
   * @param {HTMLElement} jump The button that leads to the end of the list.
   */
  constructor(list, jump) {
    this.#list = list;
    this.#jump = jump;
    // What scrolls must be in reach of the keyboard; Safari does not see to that by itself.
    list.tabIndex = 0;
    list.addEventListener("scroll", () => {
      // It comes before the list is known to have become lower, and nobody has scrolled it for that.
      if (list.clientHeight !== this.#height) return;
      this.#followsEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_END_PX;
      if (this.#followsEnd) jump.hidden = true;
    });
    jump.addEventListener("click", () => this.#showEnd());
    // The keyboard of a phone takes half of the height away; the newest line stays in sight all the same.
    new ResizeObserver(() => {
      this.#height = list.clientHeight;
      if (this.#followsEnd) this.#showEnd();
    }).observe(list);
  }

  /**
   * @param {Entry} entry
   * @returns {Line}
   */
  add(entry) {
    const line = new Line(entry, () => this.#followsEnd && this.#showEnd());
    this.#blockFor(entry).append(line.element);
    this.#added(entry.own);
    return line;
  }

  /** @param {string} text */
  notice(text) {
    const notice = element("p", "notice", text);
    notice.dir = "auto";
    this.#block = undefined;
    this.#list.append(notice);
    this.#added(false);
  }

  /**
   * Says where the new messages begin; what follows is added as ever.
   *
   * @param {string} text
   * @returns {() => void} Brings the place into sight.
   */
  mark(text) {
    const mark = element("p", "mark-new", text);
    mark.setAttribute("role", "separator");
    this.#block = undefined;
    this.#list.append(mark);
    return () => mark.scrollIntoView({ block: "nearest" });
  }

  clear() {
    this.#block = undefined;
    this.#list.replaceChildren();
  }

  /** @param {Entry} entry */
  #blockFor({ name, own, at }) {
    const last = this.#block;
    if (last !== undefined && last.name === name && last.own === own && at - last.at < BLOCK_MS) {
      last.at = at;
      return last.lines;
    }
    const block = element("div", own ? "block own" : "block");
    block.style.setProperty("--hue", String(hueOf(name)));
    const lines = element("div", "lines");
    if (!own) {
      const author = element("p", "author", name);
      author.dir = "auto";
      // Each line says for itself, to those who listen, whose it is.
      author.ariaHidden = "true";
      lines.append(author);
      block.append(avatar(name));
    }
    block.append(lines);
    this.#list.append(block);
    this.#block = { name, own, at, lines };
    return lines;
  }

  /** @param {boolean} own Whoever writes wants to see it, wherever the list stood. */
  #added(own) {
    while (this.#list.childElementCount > LINES_KEPT) this.#list.firstElementChild?.remove();
    if (own || this.#followsEnd) this.#showEnd();
    else this.#jump.hidden = false;
  }

  #showEnd() {
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#followsEnd = true;
    this.#jump.hidden = true;
  }
}

/** One message in the list. Your own is on its way at first, then sent, or not. */
export class Line {
  element;
  #time;
  #grown;

  /**
   * @param {Entry} entry
   * @param {() => void} grown Called when the line may have become higher.
   */
  constructor({ name, text, at, own }, grown) {
    this.#grown = grown;
    this.element = element("p", "bubble");
    this.#time = element("time", "");
    this.#show(at);
    const words = element("span", "words");
    words.append(...linked(text));
    words.dir = "auto";
    this.element.append(element("span", "unseen", own ? "You: " : `${name}: `), words, this.#time);
    if (own) this.element.dataset["state"] = "sending";
  }

  /** @param {number} at When the server got it. */
  sent(at) {
    // It may have come through although the answer did not.
    this.element.querySelector(".retry")?.remove();
    this.element.dataset["state"] = "sent";
    this.#show(at);
  }

  /**
   * @param {string} reason
   * @param {() => void} again
   */
  failed(reason, again) {
    this.element.dataset["state"] = "failed";
    const retry = element("button", "retry", `${reason} Try again`);
    retry.addEventListener("click", () => {
      retry.remove();
      this.element.dataset["state"] = "sending";
      again();
    });
    this.element.append(retry);
    this.#grown();
  }

  /** @param {number} at */
  #show(at) {
    this.#time.textContent = clock.format(at);
    this.#time.setAttribute("datetime", new Date(at).toISOString());
    this.element.title = calendar.format(at);
  }
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} [text] Only ever text; what others wrote never becomes markup.
 */
function element(tag, className, text) {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}
