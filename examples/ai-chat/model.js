// @ts-check
// A model that needs no key: it has a few things to say about salmon, word by word.
import { setTimeout } from "node:timers/promises";

const KNOWN = [
  "A sockeye spends its first years in a lake, and then goes to sea. Out there it is silver and blue, and swims for thousands of kilometres.",
  "When it is four years old it turns around. It finds the mouth of its own river by the field of the earth, and its own brook by the smell that it remembers.",
  "The way home is uphill all along. It stops eating, turns red, and leaps over whatever stands in its way: a fall of three metres takes it a run-up and a good angle.",
  "Bears, eagles and people wait at every bend. Of a thousand that set out, a few arrive, and those few are enough.",
];

/**
 * Here goes a model of yours: whatever gives its answer piece by piece, and stops when the signal says so. With the AI SDK that is
 * `streamText({ model, prompt, abortSignal: signal }).textStream`.
 *
 * @param {string} prompt
 * @param {{ signal: AbortSignal, paceMs: number }} options
 */
export async function* complete(prompt, { signal, paceMs }) {
  const text = [`You ask: “${prompt.slice(0, 200)}”. Here is what I know.`, ...KNOWN].join("\n\n");
  for (const token of text.match(/\s*\S+/g) ?? []) {
    await setTimeout(paceMs, undefined, { signal });
    yield token;
  }
}
