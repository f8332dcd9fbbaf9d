// @ts-check
// Who is in the room, and the colour that belongs to each name.

/** Hues that are told apart easily and stay clear of the accent colour, in degrees of OKLCH. */
const HUES = [70, 100, 135, 165, 195, 235, 265, 300, 330, 358];

/** @typedef {{ list: HTMLElement, count: HTMLElement, me: HTMLElement }} Places */

export class People {
  #places;
  /** @type {Set<string>} */
  #names = new Set();
  #me = "";

  /** @param {Places} places */
  constructor(places) {
    this.#places = places;
  }

  /**
   * @param {string} me
   * @param {Iterable<string>} names Everyone, me too.
   */
  reset(me, names) {
    this.#me = me;
    this.#names = new Set(names);
    this.#places.me.textContent = me;
    this.#show();
  }

  /** @param {string} name */
  add(name) {
    this.#names.add(name);
    this.#show();
  }

  /** @param {string} name */
  delete(name) {
    this.#names.delete(name);
    this.#show();
  }

  #show() {
    const { size } = this.#names;
    this.#places.count.textContent = size === 1 ? "1 person" : `${size} people`;
    const others = [...this.#names].filter((name) => name !== this.#me).sort((a, b) => a.localeCompare(b));
    this.#places.list.replaceChildren(...[this.#me, ...others].map((name) => this.#entry(name)));
  }

  /** @param {string} name */
  #entry(name) {
    const entry = document.createElement("li");
    const label = document.createElement("span");
    label.textContent = name;
    label.dir = "auto";
    entry.append(avatar(name), label);
    if (name === this.#me) {
      const you = document.createElement("small");
      you.textContent = "you";
      entry.append(you);
    }
    return entry;
  }
}

/**
 * @param {string} name
 * @returns {HTMLElement} A disc with the name's first letter, in the name's colour.
 */
export function avatar(name) {
  const disc = document.createElement("span");
  disc.className = "avatar";
  disc.ariaHidden = "true";
  disc.style.setProperty("--hue", String(hueOf(name)));
  disc.textContent = ([...name][0] ?? "?").toUpperCase();
  return disc;
}

/**
 * @param {string} name
 * @returns {number} The same hue for the same name, on every page.
 */
export function hueOf(name) {
  // FNV-1a: a few operations a letter, and names that differ by one letter part well.
  let hash = 0x811c9dc5;
  for (const letter of name) {
    hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193);
  }
  return HUES[(hash >>> 0) % HUES.length] ?? 0;
}
