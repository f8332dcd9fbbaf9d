// What travels in a trial. A message is its key: a letter that says what it is, and a number that its sender counts. The body
// follows from the key, so that the receiver can tell whether it is whole.

/** The first letter of a key. An answer to a message is `a` and the message's key. */
export const KINDS = {
  up: "u",
  upWithAck: "w",
  upVolatile: "x",
  down: "d",
  downWithAck: "e",
  downVolatile: "v",
  broadcast: "b",
  room: "r",
  answer: "a",
} as const;
export type Kind = keyof typeof KINDS;

export const FORMS = ["text", "bytes", "long text", "long bytes"] as const;
export type Form = (typeof FORMS)[number];

export type Body = string | { readonly size: number; readonly bytes: Uint8Array };

const SIZES: Readonly<Record<Form, number>> = {
  text: 60,
  bytes: 500,
  "long text": 100_000,
  "long bytes": 100_000,
};
/** Behind the key in a text: what has hurt a transport or another, sooner or later. */
const AWKWARD = "·\u2028\n\"</script>\u001e'\\ß€😀";

export function keyOf(kind: Kind, number: number): string {
  return `${KINDS[kind]}${number}`;
}

export function answerKey(key: string): string {
  return KINDS.answer + key;
}

/** Dropped if the network is behind: may be missing. */
export function isVolatile(key: string): boolean {
  return key.startsWith(KINDS.upVolatile) || key.startsWith(KINDS.downVolatile);
}

/** Kept by connection state recovery: events of a server without acknowledgement. */
export function isRecoverable(key: string): boolean {
  return key.startsWith(KINDS.down) || key.startsWith(KINDS.broadcast) || key.startsWith(KINDS.room);
}

export function bodyOf(key: string, form: Form): Body {
  const size = SIZES[form];
  const bytes = (): Body => ({ size, bytes: new Uint8Array(Buffer.alloc(size, key)) });
  return form.endsWith("text") ? (key + AWKWARD).repeat(Math.ceil(size / (key.length + 20))) : bytes();
}

export function isBodyOf(key: string, form: Form, body: unknown): boolean {
  const expected = bodyOf(key, form);
  if (typeof expected === "string") return body === expected;
  if (typeof body !== "object" || body === null || !("bytes" in body) || !("size" in body)) return false;
  const { bytes, size } = body;
  return size === expected.size && bytes instanceof Uint8Array && Buffer.compare(bytes, expected.bytes) === 0;
}

/** What the receiver answers. */
export function answerTo(key: string): string {
  return `answer to ${key}`;
}
