/** A surrogate without its other half, which `encodeURIComponent` refuses. */
const LONE = /[\uD800-\uDBFF](?![\uDC00-\uDFFF])|([^\uD800-\uDBFF]|^)[\uDC00-\uDFFF]/g;

/** Text that UTF-8 can express: U+FFFD in the place of lone surrogates, as platforms have it. */
function wellFormed(text: string): string {
  // Twice, since the character before a half belongs to the match.
  const mend = (each: string): string => each.replace(LONE, "$1\uFFFD");
  return mend(mend(text));
}

/** `TextEncoder`, of which the client only asks for the length. */
export class LegacyTextEncoder {
  encode(text: string): { readonly length: number } {
    return encodeURIComponent(wellFormed(text)).replace(/%../g, "x");
  }
}

/** `URLSearchParams`, as far as the client uses it. */
export class LegacySearchParams {
  #pairs: [string, string][] = [];

  constructor(init?: string | Readonly<Record<string, unknown>>) {
    if (typeof init === "object") {
      Object.keys(init).forEach((key) => {
        this.#pairs.push([key, String(init[key])]);
      });
    } else if (init) {
      init
        .replace(/^\?/, "")
        .split("&")
        .forEach((pair) => {
          if (pair === "") return;
          const at = pair.indexOf("=");
          const key = at < 0 ? pair : pair.slice(0, at);
          this.#pairs.push([decode(key), at < 0 ? "" : decode(pair.slice(at + 1))]);
        });
    }
  }

  set(key: string, value: string): void {
    const at = this.#pairs.map(([name]) => name).indexOf(key);
    const rest = this.#pairs.filter(([name], i) => name !== key || i === at);
    if (at < 0) rest.push([key, value]);
    else (rest[at] as [string, string])[1] = value;
    this.#pairs = rest;
  }

  delete(key: string): void {
    this.#pairs = this.#pairs.filter(([name]) => name !== key);
  }

  toArray(): [string, string][] {
    return this.#pairs;
  }

  toString(): string {
    return this.#pairs.map(([key, value]) => `${encode(key)}=${encode(value)}`).join("&");
  }
}

function encode(text: string): string {
  return encodeURIComponent(wellFormed(text)).replace(/%20/g, "+");
}

function decode(text: string): string {
  const spaced = text.replace(/\+/g, " ");
  try {
    return decodeURIComponent(spaced);
  } catch {
    return spaced;
  }
}
