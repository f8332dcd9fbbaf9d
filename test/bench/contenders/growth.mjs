// Sockeye's server again, which can be asked what rooms cost: in CPU time of its own process, without a network between.
import { createServer } from "node:http";
import { setImmediate as turn } from "node:timers/promises";
import { Server } from "@sockeye/server";
import { median } from "../stats.mjs";
import { app, serverOptions } from "./app.mjs";
import { options, serve } from "./control.mjs";

/** Sockets that fill the server with rooms, and do nothing else. */
const FILLERS = 10;
const ROUNDS = 7;
/** Joins of one round. */
const JOINS = 20_000;
const EMITS = 2000;

const server = createServer();
const io = new Server(server, serverOptions(options));
app(io);
await serve(server, { rooms, perSocket });

/** What single operations cost in a server with so many rooms, each with one member. */
async function rooms(count) {
  const all = [...io.sockets.sockets.values()];
  const fillers = all.slice(0, FILLERS);
  const others = all.slice(FILLERS);
  for (let room = 0; room < count; room++) fillers[room % FILLERS].join(`filler${room}`);
  const { join, leave } = await joinAndLeave(others, Math.ceil(JOINS / others.length));
  return { join, leave, to: await toRooms(others), disconnect: disconnectAll(others, 10) };
}

/** What they cost for sockets that are in so many rooms each. Those of disconnecting: a socket, not a room. */
async function perSocket(count) {
  const all = [...io.sockets.sockets.values()].slice(0, Math.max(5, Math.ceil(JOINS / count)));
  const { join, leave } = await joinAndLeave(all, count);
  return { join, leave, disconnect: disconnectAll(all, count) };
}

async function joinAndLeave(sockets, each) {
  const names = Array.from({ length: each }, (_, index) => `room${index}`);
  const again = Math.max(1, Math.floor(JOINS / (sockets.length * each)));
  const joins = [];
  const leaves = [];
  for (let round = 0; round < ROUNDS; round++) {
    let join = 0;
    let leave = 0;
    for (let time = 0; time < again; time++) {
      join += cpu(() => {
        for (const socket of sockets) for (const name of names) socket.join(name);
      });
      leave += cpu(() => {
        for (const socket of sockets) for (const name of names) socket.leave(name);
      });
    }
    joins.push(join / (again * sockets.length * each));
    leaves.push(leave / (again * sockets.length * each));
    await turn();
  }
  return { join: median(joins), leave: median(leaves) };
}

/** Broadcasts to rooms of one, the network's share of them included. */
async function toRooms(sockets) {
  sockets.forEach((socket, index) => {
    socket.join(`one${index}`);
  });
  const costs = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let sent = 0; sent < EMITS; sent++) io.to(`one${sent % sockets.length}`).emit("news", sent);
    await turn();
    costs.push(since(before) / EMITS);
  }
  return median(costs);
}

function disconnectAll(sockets, each) {
  for (const socket of sockets) for (let room = 0; room < each; room++) socket.join(`room${room}`);
  return (
    cpu(() => {
      for (const socket of sockets) socket.disconnect();
    }) / sockets.length
  );
}

function cpu(act) {
  const before = process.cpuUsage();
  act();
  return since(before);
}

function since(before) {
  const { user, system } = process.cpuUsage(before);
  return user + system;
}
