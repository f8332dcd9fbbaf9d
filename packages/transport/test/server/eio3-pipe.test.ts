import {
  type CloseReason,
  EncodedPacket,
  type Frame,
  type PipeClose,
  type Transport,
  type TransportSink,
} from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import { Eio3Pipe } from "../../src/server/websocket/eio3-pipe.js";

/** A pipe that keeps what it is given. */
class FakePipe implements Transport {
  readonly name = "websocket";
  writable = true;
  readonly sent: Frame[] = [];
  readonly closes: PipeClose[] = [];
  sink: TransportSink | undefined;
  bind(sink: TransportSink): void {
    this.sink = sink;
  }
  send(batch: readonly EncodedPacket[]): void {
    for (const { head, attachments } of batch) this.sent.push(head, ...attachments);
  }
  pause(done: () => void): void {
    done();
  }
  resume(): void {}
  close(how: PipeClose): void {
    this.closes.push(how);
  }
}

function laid(asked: "bytes" | "base64" = "bytes") {
  const inner = new FakePipe();
  const pipe = new Eio3Pipe(inner, asked);
  const frames: Frame[] = [];
  const ends: [CloseReason, Error | undefined][] = [];
  let writable = 0;
  pipe.bind({
    frame: (from, frame) => {
      expect(from).toBe(pipe);
      frames.push(frame);
    },
    writable: () => {
      writable++;
    },
    ended: (from, _how, reason, cause) => {
      expect(from).toBe(pipe);
      ends.push([reason, cause]);
    },
  });
  return { inner, pipe, frames, ends, writable: () => writable };
}

const EVENT = new EncodedPacket("452-[]", [Uint8Array.of(1, 2), new Uint8Array(0)], false);

describe("Revision3Pipe", () => {
  it("marks bytes on the way out, in order", () => {
    const { inner, pipe } = laid();
    pipe.send([new EncodedPacket("4a"), EVENT, new EncodedPacket(Uint8Array.of(9))]);
    expect(inner.sent).toEqual([
      "4a",
      "452-[]",
      Uint8Array.of(4, 1, 2),
      Uint8Array.of(4),
      Uint8Array.of(4, 9),
    ]);
  });

  it("marks them as base64 if the client asked for that", () => {
    const { inner, pipe } = laid("base64");
    pipe.send([EVENT]);
    expect(inner.sent).toEqual(["452-[]", "b4AQI=", "b4"]);
  });

  it("passes a packet without bytes on as it is, so that a broadcast is framed once", () => {
    const passed: EncodedPacket[] = [];
    const { inner, pipe } = laid();
    inner.send = (batch) => void passed.push(...batch);
    const text = new EncodedPacket("4a");
    pipe.send([text, EVENT]);
    expect(passed[0]).toBe(text);
    expect(passed.slice(1).every(({ compress }) => !compress)).toBe(true);
  });

  it("takes the mark off on the way in", () => {
    const { inner, frames } = laid();
    for (const frame of ["2probe", Uint8Array.of(4, 7), "b4AQI="]) inner.sink?.frame(inner, frame);
    expect(frames.map((frame) => (typeof frame === "string" ? frame : [...frame]))).toEqual([
      "2probe",
      [7],
      [1, 2],
    ]);
  });

  it.each<[string, Frame]>([
    ["bytes without a mark", Uint8Array.of(1)],
    ["base64 of revision 4", "bAQI="],
  ])("ends at %s", (_what, frame) => {
    const { inner, frames, ends } = laid();
    inner.sink?.frame(inner, frame);
    expect(frames).toEqual([]);
    expect(ends).toMatchObject([["parse error", { code: "ERR_PACKET_MALFORMED" }]]);
    expect(inner.closes).toEqual(["goodbye"]);
    inner.sink?.ended(inner, "lost", "transport close");
    expect(ends).toHaveLength(1);
  });

  it("tells of writability and the end, and nothing once it is closed", () => {
    const open = laid();
    open.inner.sink?.writable(open.inner);
    expect(open.writable()).toBe(1);
    open.inner.sink?.ended(open.inner, "closed", "transport close");
    expect(open.ends).toEqual([["transport close", undefined]]);
    const closed = laid();
    closed.pipe.close("dead");
    expect(closed.inner.closes).toEqual(["dead"]);
    closed.inner.sink?.frame(closed.inner, "4a");
    closed.inner.sink?.writable(closed.inner);
    closed.inner.sink?.ended(closed.inner, "closed", "transport close");
    expect([closed.frames, closed.ends, closed.writable()]).toEqual([[], [], 0]);
  });
});
