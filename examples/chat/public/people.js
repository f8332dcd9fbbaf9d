// @ts-check
// Who is in the room, and the colour that belongs to each name.

/** Hues that are told apart easily and stay clear of the accent colour, in degrees of OKLCH. */
const HUES = [70, 100, 135, 165, 195, 235, 265, 300, 330, 358];

/** @typedef {{ list: HTMLElement, count: HTMLElement, me: HTMLElement }} Places */
/** @typedef {{ key: string, state: "here" | "away" }} Person `away`: the connection is broken, and may come back. */

export class People {
  #places;
  #me = "";

  /** @param {Places} places */
  constructor(places) {
    this.#places = places;
  }

  /** @param {string} me */
  iAm(me) {
    this.#me = me;
    this.#places.me.textContent = me;
  }

  /** @param {readonly Person[]} people Everyone, you too. */
  show(people) {
    this.#places.count.textContent = people.length === 1 ? "1 person" : `${people.length} people`;
    const rank = (/** @type {Person} */ { key, state }) => (key === this.#me ? 0 : state === "here" ? 1 : 2);
    const sorted = [...people].sort((a, b) => rank(a) - rank(b) || a.key.localeCompare(b.key));
    this.#places.list.replaceChildren(...sorted.map((person) => this.#entry(person)));
  }

  /** @param {Person} person */
  #entry({ key, state }) {
    const entry = document.createElement("li");
    entry.className = state;
    const label = document.createElement("span");
    label.textContent = key;
    label.dir = "auto";
    entry.append(avatar(key), label);
    const remark = key === this.#me ? "you" : state === "away" ? "away" : "";
    if (remark !== "") {
      const small = document.createElement("small");
      small.textContent = remark;
      entry.append(small);
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
