// npm run faults -- --seconds 60 --seed 7 [--client sockeye|socket.io] [--server sockeye|socket.io] [--recovery]: docs/delivery.md
import { parseArgs } from "node:util";
import { BUSES } from "./nodes/engine.js";
import { playRecovery } from "./nodes/recovery.js";
import { playRooms } from "./nodes/rooms.js";
import { playNodes } from "./nodes/trial.js";
import { FAULTS, type FaultKind } from "./plan.js";
import { countKinds, countStrokes, explain, total } from "./report.js";
import { playStreams } from "./streams.js";
import { play, type Setup } from "./trial.js";

const { values } = parseArgs({
  options: {
    seconds: { type: "string", default: "60" },
    seed: { type: "string" },
    clients: { type: "string", default: "20" },
    client: { type: "string", default: "sockeye" },
    server: { type: "string", default: "sockeye" },
    recovery: { type: "boolean", default: false },
    "no-resume": { type: "boolean", default: false },
    "may-end": { type: "boolean", default: false },
    leave: { type: "boolean", default: false },
    window: { type: "string" },
    bytes: { type: "string" },
    faults: { type: "string", default: FAULTS.join(",") },
    paths: { type: "string" },
    nodes: { type: "string" },
    bus: { type: "string", default: "process" },
    "no-links": { type: "boolean", default: false },
    strokes: { type: "string" },
    every: { type: "string", default: "5" },
    rooms: { type: "boolean", default: false },
    streams: { type: "boolean", default: false },
    show: { type: "string", default: "5" },
  },
});

if (values.nodes !== undefined) {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const [nodes, seconds, clients] = [values.nodes, values.seconds, values.clients].map(Number) as [
    number,
    number,
    number,
  ];
  const bus = BUSES.find((name) => name === values.bus);
  if (bus === undefined) throw new Error(`--bus takes ${BUSES.join(", ")}, not ${values.bus}`);
  console.log(`faults: seed ${seed}, ${seconds} s, ${clients} clients, ${nodes} nodes over ${bus}`);
  const setup = { seed, seconds, clients, nodes, bus } as const;
  const strokesOf = values.strokes?.split(",");
  const often = { ...setup, every: Number(values.every), strokes: strokesOf };
  const { violations, strokes, totals } = values.rooms
    ? await playRooms({ ...often, recovery: values.recovery })
    : values.recovery
      ? await playRecovery(often)
      : await playNodes({ ...setup, links: !values["no-links"], strokes: strokesOf });
  console.log(JSON.stringify({ strokes, totals }));
  console.log(`violations: ${violations.length || "none"}`);
  for (const text of violations.slice(0, Number(values.show))) console.log(`  ${text}`);
  process.exit(violations.length > 0 ? 1 : 0);
}

if (values.streams) {
  const seed = Number(values.seed ?? Math.floor(Math.random() * 2 ** 32));
  const [seconds, clients] = [Number(values.seconds), Number(values.clients)];
  console.log(`faults: seed ${seed}, ${seconds} s, ${clients} clients with streams and uploads`);
  const kinds = new Set(values.faults.split(",") as FaultKind[]);
  const { violations, strokes, totals } = await playStreams({ seed, seconds, clients, kinds });
  console.log(JSON.stringify({ strokes, totals }));
  console.log(`violations: ${violations.length || "none"}`);
  for (const text of violations.slice(0, Number(values.show))) console.log(`  ${text}`);
  process.exit(violations.length > 0 ? 1 : 0);
}

const isStock = values.client === "socket.io" || values.server === "socket.io";
const setup: Setup = {
  seed: Number(values.seed ?? Math.floor(Math.random() * 2 ** 32)),
  seconds: Number(values.seconds),
  clients: Number(values.clients),
  client: values.client === "socket.io" ? "socket.io-client 4" : "sockeye",
  server: values.server === "socket.io" ? "socket.io 4" : "sockeye",
  recovery: values.recovery,
  leave: values.leave,
  mayEnd: isStock || values["no-resume"] || values["may-end"],
  kinds: new Set(values.faults.split(",") as FaultKind[]),
  ...(values["no-resume"]
    ? { resume: false }
    : (values.window ?? values.bytes) !== undefined && {
        resume: {
          ...(values.window !== undefined && { windowMs: Number(values.window) }),
          ...(values.bytes !== undefined && { maxBytes: Number(values.bytes) }),
        },
      }),
  ...(values.paths !== undefined && { paths: values.paths.split(";").map((path) => path.trim()) }),
};
console.log(`faults: seed ${setup.seed}, ${setup.seconds} s, ${setup.clients} clients`);
process.on("uncaughtException", (error) => {
  console.error(`an error that nobody caught, seed ${setup.seed}:`, error);
  process.exit(1);
});

const outcome = await play(setup);
for (const [index, tally] of outcome.tallies.entries()) {
  const { sent, lostUp, lostDown, unanswered, missedAway, twice, disordered, ended, recovered, resumed } =
    tally;
  console.log(
    `${String(index).padStart(3)} ${(outcome.histories[index]?.label ?? "").padEnd(32)} sent ${sent}, lost ${lostUp} up ${lostDown} down, ` +
      `${unanswered} unanswered, ${missedAway} missed, ${twice} twice, ${disordered} out of order; ` +
      `ended ${ended}, recovered ${recovered}, resumed ${resumed}`,
  );
}
console.log(`faults: ${countStrokes(outcome)}`);
console.log(JSON.stringify(total(outcome.tallies)));
console.log(`violations: ${countKinds(outcome) || "none"}`);
if (outcome.violations.length > 0) {
  console.log(explain(setup, outcome, Number(values.show)));
  // Of Socket.IO the losses are counted, and it is blamed for nothing.
  if (!isStock) process.exitCode = 1;
}
process.exit();
