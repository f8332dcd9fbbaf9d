import { ContractError, OWN_EVENTS } from "@sockeye/protocol";
import { isThenable } from "@sockeye/socket";
import { refusalOfError } from "../wire.js";
import type { Away, AwayHost } from "./away.js";
import type { Place } from "./between-nodes.js";
import { Credit } from "./credit.js";
import type { UploadHost } from "./incoming-upload.js";
import type { Lane } from "./lane.js";
import { laneOf } from "./lane.js";
import { Watcher } from "./production.js";
import type { OpenRequest } from "./requests.js";
import { isNumber, readOpen } from "./requests.js";
import type { Outcome } from "./run.js";
import { failure, failureOf, internal } from "./run.js";
import type { StreamPeer, UploadRule } from "./stream-peer.js";
import type { Sought, StreamTable } from "./stream-table.js";

/** The streams of one socket, by the numbers that its client has given them. */
export class SocketStreams {
  readonly #peer: StreamPeer;
  readonly #table: StreamTable;
  readonly #lanes = new Map<number, Lane>();
  /** Producers that it has begun and whose code has not ended. */
  readonly #producers = new Set<object>();
  #isOver = false;
  /** Numbers only grow, so that a frame that comes late, or twice, means no other stream. */
  #last = 0;

  constructor(peer: StreamPeer, table: StreamTable) {
    this.#peer = peer;
    this.#table = table;
  }

  /** Streams that are open. */
  get size(): number {
    return this.#lanes.size;
  }

  /** Producers at work for it, and those that were told to stop and have not. */
  get producers(): number {
    return this.#producers.size;
  }

  /** A frame has come in. What speaks of a stream that is not open is ignored: it may have ended meanwhile. */
  take([event, n, value, bytes]: readonly unknown[]): void {
    if (!isNumber(n) || this.#isOver) return;
    if (event === OWN_EVENTS.open) {
      if (n <= this.#last) return;
      this.#last = n;
      this.#open(n, value);
      return;
    }
    const lane = this.#lanes.get(n);
    if (!lane) return;
    if (event === OWN_EVENTS.stop || event === OWN_EVENTS.detach) {
      this.#lanes.delete(n);
      if (event === OWN_EVENTS.stop) lane.stop();
      else lane.detach();
    } else if (lane.take) lane.take(event, value, bytes);
    else if (event === OWN_EVENTS.taken) {
      if (isNumber(value) && lane.taken(value)) return;
      this.#close(n, lane);
      this.#end(n, failure("ERR_STREAM_FRAME", "there is no such item"));
    }
  }

  /** The socket is gone. */
  close(): void {
    this.#isOver = true;
    for (const [n, lane] of [...this.#lanes]) this.#close(n, lane);
  }

  #close(n: number, lane: Lane): void {
    this.#lanes.delete(n);
    lane.detach();
  }

  #open(n: number, value: unknown): void {
    const { limits } = this.#table;
    const request = readOpen(value, { items: limits.maxUntakenItems, bytes: limits.maxUntakenBytes });
    if (!request) this.#end(n, failure("ERR_STREAM_FRAME", "it does not say which stream"));
    else if (
      this.#lanes.size >= limits.maxStreamsPerSocket ||
      this.#producers.size >= limits.maxProducersPerSocket
    )
      this.#end(n, failure("ERR_STREAM_LIMIT", "too many streams are open"));
    else if (request.file ? !this.#table.upload(request.name) : !this.#table.has(request.name))
      this.#end(n, unhandled(request.name, request.file ? "takes uploads of" : "streams"));
    else this.#check(n, request);
  }

  #check(n: number, request: OpenRequest): void {
    let isStopped = false;
    // Stands for it until it begins.
    const lane: Lane = {
      taken: () => false,
      stop: () => {
        isStopped = true;
      },
      detach: () => {},
    };
    this.#lanes.set(n, lane);
    const begin = (full: OpenRequest, { place, claim }: Sought = {}): void => {
      try {
        if (this.#lanes.get(n) !== lane) {
          if (isStopped && place) this.#stopAway(this.#away(n, full, place));
        } else if (place) this.#beginAway(n, full, place);
        else if (full.file) this.#beginUpload(n, full);
        else this.#begin(n, full);
      } catch (error) {
        refuse(error);
      } finally {
        if (claim !== undefined) this.#table.settled(claim);
      }
    };
    const seek = (input: unknown): void => {
      if (this.#lanes.get(n) !== lane) return;
      const full = { ...request, input };
      try {
        const sought = this.#table.seek(this.#peer, full);
        if (isThenable(sought)) {
          // Also one that was stopped meanwhile.
          this.#producers.add(lane);
          sought
            .then((found) => begin(full, found as Sought), refuse)
            .then(() => this.#producers.delete(lane));
        } else begin(full, sought);
      } catch (error) {
        refuse(error);
      }
    };
    const refuse = (error: unknown): void => {
      if (this.#lanes.get(n) !== lane) return;
      this.#lanes.delete(n);
      const outcome = error instanceof ContractError ? refusalOf(error) : failureOf(error);
      if ("error" in outcome && outcome.error.code === "ERR_INTERNAL")
        this.#peer.reportError(error, request.name);
      this.#end(n, outcome, request.name);
    };
    try {
      const { contract } = this.#peer;
      const input = contract ? contract.streamPart(request.name, "input", request.input) : request.input;
      if (isThenable(input)) input.then(seek, refuse);
      else seek(input);
    } catch (error) {
      refuse(error);
    }
  }

  #begin(n: number, request: OpenRequest): void {
    const table = this.#table;
    const { production, kept, isNew } = table.open(this.#peer, request);
    const { run } = production;
    // The app's `owner` may have cut the socket.
    if (this.#isOver) {
      if (isNew) run.stop(failure("ERR_STREAM_CANCELLED", "its client has gone"));
      return;
    }
    if (isNew) {
      this.#producers.add(run);
      run.settled = () => this.#producers.delete(run);
    }
    const watcher = new Watcher(production, new Credit(request, request.after), {
      item: (seq, value, marked) =>
        this.#peer.send(OWN_EVENTS.item, marked ? [n, seq, value, true] : [n, seq, value]),
      end: (outcome) => {
        this.#lanes.delete(n);
        if (kept) table.touch(kept);
        this.#end(n, outcome, request.name);
      },
    });
    this.#lanes.set(
      n,
      laneOf(watcher, () => kept && table.touch(kept)),
    );
    if (kept) this.#peer.send(OWN_EVENTS.opened, [n, { id: kept.id }]);
    production.watch(watcher);
    if (kept) table.touch(kept);
    if (isNew) table.begin(production, this.#peer.socket, { ...request, id: kept?.id });
  }

  #beginUpload(n: number, request: OpenRequest): void {
    const lanes = this.#lanes;
    const host: UploadHost = {
      n,
      peer: this.#peer,
      maxUnreadBytes: this.#table.limits.maxUnreadUploadBytes,
      get size() {
        return lanes.size;
      },
      over: (outcome) => {
        if (lanes.get(n) !== lane) return;
        lanes.delete(n);
        this.#end(n, outcome, request.name);
      },
      settled: () => this.#producers.delete(upload),
    };
    const lane: Lane = {
      taken: () => false,
      stop: () => upload.stop(),
      detach: () => upload.detach(),
      take: (event, value, bytes) => upload.take(event, value, bytes),
    };
    const { upload, isNew } = this.#table.openUpload(request, host);
    // The app's `owner` may have cut the socket.
    if (this.#isOver) {
      if (isNew) upload.stop();
      return;
    }
    lanes.set(n, lane);
    this.#producers.add(upload);
    if (isNew) upload.begin(this.#table.upload(request.name) as UploadRule, request);
    else upload.attach(host);
  }

  #beginAway(n: number, request: OpenRequest, place: Place): void {
    const away = this.#away(n, request, place, (outcome) => {
      if (this.#lanes.get(n) !== lane) return;
      this.#lanes.delete(n);
      if (outcome) this.#end(n, outcome, request.name);
    });
    const { frames } = away;
    const lane: Lane = { ...frames, stop: () => this.#stopAway(away) };
    this.#lanes.set(n, lane);
    away.ask();
  }

  #away(n: number, request: OpenRequest, place: Place, over: AwayHost["over"] = () => {}): Away {
    const lanes = this.#lanes;
    const host: AwayHost = {
      n,
      peer: this.#peer,
      get size() {
        return lanes.size;
      },
      over,
      ended: () => this.#producers.delete(away),
    };
    const away = this.#table.attach(host, place, request);
    return away;
  }

  /** Until its node has answered, it counts as one that was told to stop. */
  #stopAway(away: Away): void {
    this.#producers.add(away);
    away.stop();
  }

  #end(n: number, outcome: Outcome, name = ""): void {
    try {
      this.#peer.send(OWN_EVENTS.end, [n, outcome]);
    } catch (error) {
      // The value at the end, or the data of an error, cannot be encoded.
      this.#peer.reportError(error, name);
      this.#peer.send(OWN_EVENTS.end, [n, internal()]);
    }
  }
}

/** There is no stream of that name. */
export function unhandled(name: unknown, does = "streams"): Outcome {
  return failure("ERR_UNHANDLED", `nothing ${does} ${JSON.stringify(String(name).slice(0, 100))}`);
}

function refusalOf(error: ContractError): Outcome {
  return { error: refusalOfError(error)[1].$error };
}
