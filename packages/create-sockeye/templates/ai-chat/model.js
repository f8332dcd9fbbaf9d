// Stands for a model. Call yours here, hand `signal` on to it, and yield what it streams.
import { setTimeout as wait } from "node:timers/promises";

export async function* complete(prompt, { signal }) {
  const answer = `You asked: ${prompt} This is where the answer of a model would come, one word after the other. Reload in the middle of it, and it goes on where it was.`;
  for (const word of answer.split(/(?<= )/)) {
    await wait(60, undefined, { signal });
    yield word;
  }
}
