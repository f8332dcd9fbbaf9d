/** A text that nobody else has, and nobody can guess where the platform has good random numbers. */
export function freshId(): string {
  const words =
    typeof crypto === "undefined"
      ? [0, 0, 0, 0].map(() => Math.floor(Math.random() * 2 ** 32))
      : [...crypto.getRandomValues(new Uint32Array(4))];
  return words.map((word) => word.toString(36)).join("");
}
