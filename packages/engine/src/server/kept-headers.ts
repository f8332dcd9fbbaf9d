/** What separates headers here; HTTP allows it in none. */
const SEPARATOR = "\0";

/** How many texts are shared, and how long they may be: a client that sends others each time gains nothing, and costs no more. */
const MOST = 128;
const LONGEST = 4096;

/** Headers that say the same for all clients with the same browser and the same server. */
const COMMON: ReadonlySet<string> = new Set(
  [
    [
      "Accept",
      "Accept-Encoding",
      "Accept-Language",
      "Cache-Control",
      "Connection",
      "Host",
      "Origin",
      "Pragma",
    ],
    [
      "Sec-Ch-Ua",
      "Sec-Ch-Ua-Mobile",
      "Sec-Ch-Ua-Platform",
      "Sec-Fetch-Dest",
      "Sec-Fetch-Mode",
      "Sec-Fetch-Site",
    ],
    ["Sec-WebSocket-Extensions", "Sec-WebSocket-Version", "Upgrade", "User-Agent", "X-Forwarded-Proto"],
  ].flatMap((names) => names.flatMap((name) => [name, name.toLowerCase()])),
);

const texts = new Map<string, string>();

/** A text that is likely to come again, in memory once. */
export function shared(text: string): string {
  if (text.length > LONGEST) return text;
  const known = texts.get(text);
  if (known !== undefined) return known;
  if (texts.size === MOST) texts.clear();
  texts.set(text, text);
  return text;
}

/** Headers as two texts, of which the longer one is in memory once for many clients. */
export interface KeptHeaders {
  readonly common: string;
  readonly own: string;
}

/** @param raw names and values in turn, as they came */
export function keepHeaders(raw: readonly string[]): KeptHeaders {
  const own: string[] = [];
  const common = raw.map((text, at) => {
    if (at % 2 === 0 || COMMON.has(raw[at - 1] ?? "")) return text;
    own.push(text);
    return "";
  });
  return { common: shared(common.join(SEPARATOR)), own: own.join(SEPARATOR) };
}

export function rawHeadersOf({ common, own }: KeptHeaders): string[] {
  if (common === "") return [];
  const raw = common.split(SEPARATOR);
  const values = own.split(SEPARATOR);
  let next = 0;
  return raw.map((text, at) =>
    at % 2 === 0 || COMMON.has(raw[at - 1] ?? "") ? text : (values[next++] ?? ""),
  );
}
