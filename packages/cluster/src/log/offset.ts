import type { Position } from "@sockeye/protocol";

// A position as clients get it: the epoch, a dot, and the number in base 36.

const DIGITS = /^(?:0|[1-9a-z][0-9a-z]*)$/;

export function writeOffset({ epoch, number }: Position): string {
  return `${epoch}.${number.toString(36)}`;
}

/** It comes from strangers. */
export function readOffset(text: string | undefined): Position | undefined {
  const [epoch = "", digits = "", more] = text?.split(".", 3) ?? [];
  const number = Number.parseInt(digits, 36);
  if (epoch === "" || more !== undefined || !DIGITS.test(digits) || !Number.isSafeInteger(number))
    return undefined;
  return { epoch, number };
}
