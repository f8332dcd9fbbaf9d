/** Counts of one process of clients, and whatever went wrong, the first of each kind. */
export class Tally {
  counts = {
    echoes: 0,
    acks: 0,
    joins: 0,
    leaves: 0,
    broadcasts: 0,
    roomEvents: 0,
    pings: 0,
    reconnects: 0,
  };
  /** Clients that had to dial once more, by the reason. */
  again = new Map();
  faults = new Map();

  dialAgain(why) {
    count(this.again, why);
  }

  fault(what) {
    count(this.faults, what);
  }
}

function count(map, what) {
  map.set(what, (map.get(what) ?? 0) + 1);
}

const TEXT = "the quick brown fox jumps over the lazy dog, and then once more.";
const ECHO = `42["echo","${TEXT}"]`;
const ACK_ID = 7;
const JOIN_ID = 8;
const LEAVE_ID = 9;

/**
 * One connected client of any transport: what it may send, and whether what comes is what must come. Every echo and every
 * acknowledgement is expected; broadcasts, to all and to its room, must come without a gap.
 */
export class Member {
  #send;
  #tally;
  #pending = { echo: 0, ack: 0 };
  /** The number of the last broadcast. */
  #last = 0;
  #room;
  #joining = "out";
  #lastInRoom = 0;

  /** @param send takes the text of one engine packet */
  constructor(send, tally) {
    this.#send = send;
    this.#tally = tally;
  }

  get waits() {
    return (
      this.#pending.echo + this.#pending.ack + (this.#joining === "in" || this.#joining === "out" ? 0 : 1)
    );
  }

  echo() {
    this.#pending.echo++;
    this.#send(ECHO);
  }

  ack() {
    this.#pending.ack++;
    this.#send(`42${ACK_ID}["ack","${TEXT}"]`);
  }

  /** Joins the room, or leaves the one that it is in. */
  move(room) {
    if (this.#joining === "out") {
      this.#room = room;
      this.#joining = "joining";
      this.#lastInRoom = 0;
      this.#send(`42${JOIN_ID}["join","${room}"]`);
    } else if (this.#joining === "in") {
      this.#joining = "leaving";
      this.#send(`42${LEAVE_ID}["leave","${this.#room}"]`);
    }
  }

  /** One engine packet from the server. */
  frame(text) {
    const { counts } = this.#tally;
    if (text === "2") {
      counts.pings++;
      this.#send("3");
    } else if (text === "6") {
      // A NOOP.
    } else if (text === ECHO) {
      if (this.#pending.echo-- > 0) counts.echoes++;
      else this.#tally.fault("an echo too many");
    } else if (text === `43${ACK_ID}["${TEXT}"]`) {
      if (this.#pending.ack-- > 0) counts.acks++;
      else this.#tally.fault("an acknowledgement too many");
    } else if (text === `43${JOIN_ID}[]` && this.#joining === "joining") {
      this.#joining = "in";
      counts.joins++;
    } else if (text === `43${LEAVE_ID}[]` && this.#joining === "leaving") {
      this.#joining = "out";
      counts.leaves++;
    } else if (text.startsWith('42["all",')) {
      counts.broadcasts++;
      this.#last = this.#next(this.#last, Number(text.slice(9, -1)), "broadcast");
    } else if (text.startsWith('42["room",')) {
      this.#roomEvent(JSON.parse(text.slice(2)));
    } else {
      this.#tally.fault(`unexpected: ${text.slice(0, 60)}`);
    }
  }

  #roomEvent([, room, sequence]) {
    this.#tally.counts.roomEvents++;
    if (room !== this.#room || this.#joining === "out")
      this.#tally.fault("an event of a room that it is not in");
    this.#lastInRoom = this.#next(this.#lastInRoom, sequence, "event of a room");
  }

  /** The first may have any number. */
  #next(last, number, what) {
    if (last !== 0 && number !== last + 1) this.#tally.fault(`a gap: ${what} ${number} after ${last}`);
    return number;
  }
}
