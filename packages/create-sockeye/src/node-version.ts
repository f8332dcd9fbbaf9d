/** The oldest Node.js that this runs on. */
const OLDEST = [20, 12] as const;

/** @returns What to tell who has an older Node.js; nothing if it will do. */
export function refusedNode(version: string): string | undefined {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  if (major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1])) return undefined;
  return `create-sockeye needs Node.js ${OLDEST.join(".")} or later, and this is ${version}. Get a newer one from https://nodejs.org.`;
}
