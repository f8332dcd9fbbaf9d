import type { ContractIssue } from "@sockeye/protocol";
import type { Issue } from "./schema.js";

/** Strangers choose how much is wrong. */
const MOST_ISSUES = 20;
const MOST_SEGMENTS = 20;
const MOST_CHARACTERS = 200;

/** The issues of a validator as they are told: bounded, and without the values that were sent. */
export function issuesOf(
  issues: readonly Issue[],
  value: unknown,
  prefix: readonly number[],
): ContractIssue[] {
  return issues.slice(0, MOST_ISSUES).map(({ message, path = [] }) => {
    const keys = path.map((segment) => (typeof segment === "object" ? segment.key : segment));
    const names = keys
      .slice(0, MOST_SEGMENTS)
      .map((key) => (typeof key === "number" ? key : cut(String(key))));
    return { path: [...prefix, ...names], message: cut(withoutValue(message, valueAt(value, keys))) };
  });
}

function cut(text: string): string {
  return text.length > MOST_CHARACTERS ? `${text.slice(0, MOST_CHARACTERS)}…` : text;
}

function valueAt(value: unknown, keys: readonly PropertyKey[]): unknown {
  let at = value;
  for (const key of keys) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined;
    at = (at as Readonly<Record<PropertyKey, unknown>>)[key];
  }
  return at;
}

/** Some validators quote what they got. */
function withoutValue(message: string, value: unknown): string {
  if (typeof value !== "string" && typeof value !== "number") return message;
  return message.replaceAll(JSON.stringify(value), "…");
}
