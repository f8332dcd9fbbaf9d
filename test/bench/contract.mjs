// What a contract costs a message, in process and without a socket: `npm run bench:contract [rounds]`, after a build. The median of rounds, and
// their spread. "check" is what comes on top of delivering without a contract; "schema" what the validator takes of that when it is asked by hand.
import { contract, event } from "@sockeye/contract";
import { type as ark } from "arktype";
import * as v from "valibot";
import { z } from "zod";

const MESSAGES = 200_000;
const rounds = Number(process.argv[2] ?? 15);
const payload = { room: "lobby", text: "hello, how are you?", at: 1_700_000_000_000 };

const SCHEMAS = {
  valibot: v.object({ room: v.string(), text: v.pipe(v.string(), v.maxLength(500)), at: v.number() }),
  zod: z.object({ room: z.string(), text: z.string().max(500), at: z.number() }),
  arktype: ark({ room: "string", text: "string <= 500", at: "number" }),
};

let delivered = 0;
const deliver = () => {
  delivered += 1;
  return true;
};

const ways = Object.entries(SCHEMAS).map(([name, schema]) => {
  const { server } = contract({ toServer: { say: event(schema) } });
  const check = server.intake({ deliver, refused: fail, hold: () => () => {} });
  return {
    name,
    check,
    schema: (data) => schema["~standard"].validate(data[1]),
    taken: { check: [], schema: [] },
  };
});

const bare = [];
for (let round = 0; round < rounds + 2; round++) {
  const warm = round >= 2;
  const base = perMessage(deliver);
  if (warm) bare.push(base);
  for (const { check, schema, taken } of ways) {
    const [whole, alone] = [perMessage(check) - base, perMessage(schema)];
    if (warm) taken.check.push(whole) && taken.schema.push(alone);
  }
}
if (delivered < MESSAGES) throw new Error("nothing was delivered");
console.log(
  `Node.js ${process.version}, ${rounds} rounds of ${MESSAGES} messages; µs a message, median (from – to)\n`,
);
console.log("| validator | check | schema alone |\n| --------- | ----- | ------------ |");
for (const { name, taken } of ways)
  console.log(`| ${name} | ${shown(taken.check)} | ${shown(taken.schema)} |`);

function perMessage(take) {
  const start = process.hrtime.bigint();
  for (let n = 0; n < MESSAGES; n++) take(["say", payload]);
  return Number(process.hrtime.bigint() - start) / 1000 / MESSAGES;
}

function shown(values) {
  const sorted = values.sort((a, b) => a - b);
  const [median, from, to] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((each) =>
    each.toFixed(2),
  );
  return `${median} (${from} – ${to})`;
}

function fail(error) {
  throw error;
}
