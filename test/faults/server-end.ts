import type { Server, Socket } from "socket.io";
import type { Random } from "../fuzz/random.js";
import { type History, join, type Mark, type Side } from "./history.js";
import { answerKey, answerTo, bodyOf, type Form, isBodyOf, type Kind, keyOf } from "./message.js";

export const ROOMS = 4;

/** What the server knows of one client. */
interface Guest {
  readonly history: History;
  /** Its sockets: more than one, if it came back before its loss was noticed. The newest is the last. */
  readonly live: Map<string, { readonly socket: Socket; readonly side: Side }>;
  next: number;
}

/** The server of a trial: sends, and writes down what it sees. */
export class ServerEnd {
  /** Answers that it will give later. */
  owes = 0;
  readonly #io: Server;
  readonly #guests: readonly Guest[];
  readonly #now: () => number;
  readonly #random: Random;
  /** Every broadcast, with its room. */
  readonly #broadcasts: { readonly mark: Mark; readonly room: number | undefined }[] = [];
  /** How many there had been when a conversation ended. */
  readonly #left = new Map<string, number>();

  constructor(io: Server, histories: readonly History[], now: () => number, random: Random) {
    this.#io = io;
    this.#now = now;
    this.#random = random;
    this.#guests = histories.map((history) => ({ history, live: new Map(), next: 0 }));
    io.on("connection", (socket) => this.#welcome(socket));
  }

  /** To one client, if it is there. */
  send(client: number, kind: Kind, form: Form): void {
    const guest = this.#guest(client);
    const { socket, side } = [...guest.live.values()].at(-1) ?? {};
    if (socket === undefined || side === undefined) return;
    const key = keyOf(kind, guest.next++);
    const body = bodyOf(key, form);
    side.sent.push({ key, at: this.#now() });
    if (kind === "downVolatile") socket.volatile.emit("message", key, form, body);
    else if (kind === "down") socket.emit("message", key, form, body);
    else {
      socket.emit("message", key, form, body, (answer: unknown) => {
        side.got.push({ key: answerKey(key), at: this.#now() });
        if (answer !== answerTo(key)) guest.history.faults.push(`${key} gets the wrong answer`);
      });
    }
  }

  /** To all, or to all in a room. */
  broadcast(form: Form, room?: number): void {
    const key = keyOf(room === undefined ? "broadcast" : "room", this.#broadcasts.length);
    const mark: Mark = { key, at: this.#now() };
    this.#broadcasts.push({ mark, room });
    for (const { history, live } of this.#guests) {
      if (!isFor(history.client, room)) continue;
      for (const { side } of live.values()) side.sent.push(mark);
      if (live.size === 0 && history.atServer.size > 0) history.missedAway.push(mark);
    }
    const to = room === undefined ? this.#io : this.#io.to(`room ${room}`);
    to.emit("message", key, form, bodyOf(key, form));
  }

  /** The ids of this client's sockets. */
  idsOf(client: number): string[] {
    return [...this.#guest(client).live.keys()];
  }

  /** Resolves once this client has handled everything that was sent before, or never. */
  fence(client: number): Promise<void> {
    const socket = [...this.#guest(client).live.values()].at(-1)?.socket;
    return new Promise((resolve) => socket?.emit("fence", resolve));
  }

  #guest(client: number): Guest {
    const guest = this.#guests[client];
    if (guest === undefined) throw new Error(`there is no client ${client}`);
    return guest;
  }

  #welcome(socket: Socket): void {
    const client: unknown = socket.handshake.auth["client"];
    const guest = this.#guest(Number(client));
    const { history, live } = guest;
    const side = join(history.atServer, socket.id, { at: this.#now(), recovered: socket.recovered });
    live.set(socket.id, { socket, side });
    if (socket.recovered) side.sent.push(...this.#missed(history.client, socket.id));
    else socket.join(`room ${history.client % ROOMS}`);
    socket.on("disconnect", (reason) => {
      side.partings.push({ at: this.#now(), reason });
      // Unless another has its id by now.
      if (live.get(socket.id)?.socket === socket) live.delete(socket.id);
      this.#left.set(socket.id, this.#broadcasts.length);
    });
    socket.on("fence", (answer: () => void) => answer());
    socket.on("message", (key: string, form: Form, body: unknown, ack: unknown) => {
      side.got.push({ key, at: this.#now() });
      if (!isBodyOf(key, form, body)) history.faults.push(`${key} arrives at the server damaged`);
      if (typeof ack !== "function") return;
      const answer = (): void => {
        this.owes -= 1;
        if (!socket.connected) return;
        side.sent.push({ key: answerKey(key), at: this.#now() });
        ack(answerTo(key));
      };
      this.owes += 1;
      if (this.#random.chance(0.7)) answer();
      else setTimeout(answer, this.#random.below(50));
    });
  }

  /** The broadcasts since this conversation ended. */
  #missed(client: number, id: string): Mark[] {
    const since = this.#broadcasts.slice(this.#left.get(id));
    return since.filter(({ room }) => isFor(client, room)).map(({ mark }) => mark);
  }
}

function isFor(client: number, room: number | undefined): boolean {
  return room === undefined || client % ROOMS === room;
}
