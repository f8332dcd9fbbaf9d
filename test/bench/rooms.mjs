// What rooms that remember cost, in process and without a network: `npm run bench:rooms [rounds]`, after a build. The server, its adapter and its rooms
// are the real ones; its sockets count what they are given. Medians of rounds, and their spread.
import { CORE, PEER } from "@sockeye/protocol";
import { Server } from "@sockeye/server";

const MEMBERS = 1000;
const MISSED = 500;
const EVENTS = 200;
const rounds = Number(process.argv[2] ?? 15);
const payload = { text: "hello, how are you?", by: "ann", at: 1_700_000_000_000 };

const io = new Server();
const adapter = io.of("/").adapter;
let given = 0;
let bytes = 0;

for (const room of ["kept:#", "joined:#"]) io.room(room, { keep: { count: MISSED }, authorize: () => true });
io.room("people:#", { presence: ({ id }) => id, authorize: () => true });
for (let n = 0; n < MEMBERS; n++) {
  enter(`plain-${n}`).join(["plain", "kept:1"]);
  await ask(enter(`member-${n}`), "sockeye:join", { room: "joined:1" });
}

const publish = await measured({
  none: () => perEvent(() => io.to("plain").emit("said", payload)),
  kept: () => perEvent(() => io.to("kept:1").emit("said", payload)),
  joined: () => perEvent(() => io.to("joined:1").emit("said", payload)),
});
const newcomer = enter("newcomer");
const join = await measured({
  none: () => perJoin({ room: "kept:1" }),
  missed: () => perJoin({ room: "kept:1", since: `last:${MISSED}` }),
});

console.log(`Node.js ${process.version}, ${rounds} rounds, members: ${MEMBERS}\n`);
console.log("| what | µs of CPU, median (from – to) | of a room that keeps nothing |");
console.log("| ---- | ----------------------------- | ---------------------------- |");
row("an event to a room that keeps nothing", publish.none);
row("the same to one that keeps events, members by plain `join`", publish.kept, publish.none);
row("the same, members by the room protocol", publish.joined, publish.none);
row("a join", join.none);
row(`a join with ${MISSED} missed events`, join.missed);
row(
  "the same, for each event",
  join.missed.map((each, at) => (each - join.none[at]) / MISSED),
);
row(
  "more an event, members by plain `join`",
  publish.kept.map((each, at) => each - publish.none[at]),
);
row(
  "more an event, members by the room protocol",
  publish.joined.map((each, at) => each - publish.none[at]),
);
row(
  "the same, for each member",
  publish.joined.map((each, at) => (each - publish.none[at]) / MEMBERS),
);
console.log(
  `\nA kept event of ${JSON.stringify(payload).length} bytes takes ${await memory()} bytes of heap.\n`,
);
console.log("| who joins within a second | bytes sent to each of them | messages |");
console.log("| ------------------------- | -------------------------- | -------- |");
for (const people of [250, 500, 1000]) {
  const sent = await crowd(people);
  console.log(`| ${people} | ${Math.round(sent.bytes)} | ${sent.messages.toFixed(1)} |`);
}
io.close();

/** Rounds by turns, so that a slow moment of the machine hits all alike. */
async function measured(ways) {
  const taken = Object.fromEntries(Object.keys(ways).map((name) => [name, []]));
  for (let round = 0; round < rounds + 2; round++)
    for (const [name, way] of Object.entries(ways)) {
      const each = await way();
      if (round >= 2) taken[name].push(each);
    }
  return taken;
}

function perEvent(emit) {
  given = 0;
  const start = process.cpuUsage();
  for (let n = 0; n < EVENTS; n++) emit();
  const taken = cpuSince(start) / EVENTS;
  if (given !== MEMBERS * EVENTS) throw new Error(`${given} were given`);
  return taken;
}

async function perJoin(argument) {
  const JOINS = 50;
  let taken = 0;
  for (let n = 0; n < JOINS; n++) {
    given = 0;
    const start = process.cpuUsage();
    await ask(newcomer, "sockeye:join", argument);
    taken += cpuSince(start);
    if (given !== (argument.since ? MISSED : 0)) throw new Error(`${given} were given`);
    await ask(newcomer, "sockeye:leave", { room: argument.room });
    // Of what one may be sent in ten seconds a bench has used up all soon.
    newcomer.client = {};
  }
  return taken / JOINS;
}

/** In µs: other processes of the machine are not in it. */
function cpuSince(start) {
  const { user, system } = process.cpuUsage(start);
  return user + system;
}

async function memory() {
  const kept = MISSED * 100;
  const heap = () => {
    globalThis.gc();
    return process.memoryUsage().heapUsed;
  };
  const before = heap();
  for (let n = 0; n < kept; n++) io.to(`kept:memory-${n % 100}`).emit("said", { ...payload, at: n });
  return Math.round((heap() - before) / kept);
}

/** People who come one by one within a second, and show themselves. */
async function crowd(people) {
  const room = `people:${people}`;
  const sockets = Array.from({ length: people }, (_, n) => enter(`person-${people}-${n}`));
  for (const socket of sockets) await ask(socket, "sockeye:join", { room });
  given = 0;
  bytes = 0;
  const start = performance.now();
  for (const [n, socket] of sockets.entries()) {
    const early = start + (1000 * n) / people - performance.now();
    if (early > 1) await new Promise((resolve) => setTimeout(resolve, early));
    await ask(socket, "sockeye:presence", { room, set: { name: `person ${n}` } });
  }
  await new Promise((resolve) => setTimeout(resolve, 1000));
  return { bytes: bytes / people, messages: given / people };
}

/** A socket without a connection. */
function enter(id) {
  const socket = {
    id,
    connected: true,
    client: {},
    join: (rooms) => adapter.addAll(id, new Set(rooms)),
    leave: (room) => adapter.del(id, room),
    [PEER]: {
      deliver: (_packet, { head }) => {
        given += 1;
        bytes += head.length;
      },
    },
  };
  io.sockets.sockets.set(id, socket);
  socket.join([id]);
  return socket;
}

function ask(socket, event, argument) {
  return new Promise((resolve, reject) => {
    io.sockets[CORE].rooms.request(socket, [
      event,
      argument,
      (value, refused) => (refused ? reject(new Error(refused.$error.message)) : resolve(value)),
    ]);
  });
}

function row(what, taken, base) {
  const ratio = base ? shown(taken.map((each, at) => each / base[at])) : "";
  console.log(`| ${what} | ${shown(taken)} | ${ratio} |`);
}

function shown(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const [median, from, to] = [sorted[sorted.length >> 1], sorted[0], sorted.at(-1)].map((each) =>
    each.toFixed(each < 1 ? 3 : 2),
  );
  return `${median} (${from} – ${to})`;
}
