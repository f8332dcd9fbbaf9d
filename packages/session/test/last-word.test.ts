// A server that goes away tells its clients how much has arrived, and what has not is theirs to send elsewhere.

import type { EncodedPacket } from "@sockeye/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { comeBack, Road } from "./roads.js";
import { type Talk, talk } from "./talk.js";

interface Stage extends Talk {
  road: Road;
  readonly said: EncodedPacket[];
}

function begin(bytes = 100_000): Stage {
  const both = talk({}, [], { window: 100_000, bytes });
  const stage = { ...both, road: new Road(), said: [] };
  both.client.session.start(stage.road.client);
  both.server.session.start(stage.road.server);
  settle(stage);
  say(stage, false);
  settle(stage);
  return stage;
}

function settle({ clock, road }: Stage): void {
  do {
    clock.flush();
    road.up();
    road.down();
    clock.flush();
  } while (!road.idle);
}

function say({ client, said }: Stage, hasBytes: boolean): void {
  said.push(client.say(said.length, hasBytes ? Uint8Array.of(1, 2) : undefined));
}

function goAway({ server }: Stage): void {
  server.end.tellLast();
  server.session.close("server shutting down");
}

/** What the client knows that the server has not seen. */
function unseen({ client }: Talk): EncodedPacket[] {
  return (client.session.unseen ?? []).map((packet) => packet.whole ?? packet);
}

function again(stage: Stage): void {
  stage.road.die();
  stage.road.client.end("lost");
  stage.road.server.end("lost");
  stage.road = new Road();
  comeBack(stage, stage.road);
}

describe("a server that goes away", () => {
  it("says so behind all that it has sent, and how much has arrived", () => {
    const stage = begin();
    stage.server.say(7);
    say(stage, false);
    say(stage, true);
    stage.clock.flush();
    stage.road.up();
    goAway(stage);
    settle(stage);
    expect(stage.client.heard()).toEqual([7]);
    expect(stage.server.heard()).toEqual([0, 1]);
    expect(stage.client.endings).toEqual([{ reason: "transport close", cause: undefined }]);
    expect(unseen(stage)).toEqual(stage.said.slice(2));
  });

  it("has not seen an event of which an attachment is missing, also after the event went on over another transport", () => {
    const stage = begin();
    say(stage, true);
    stage.clock.flush();
    stage.road.up();
    again(stage);
    settle(stage);
    expect(stage.server.heard()).toEqual([0, 1]);
    say(stage, true);
    stage.clock.flush();
    stage.road.up();
    again(stage);
    stage.road.up();
    stage.clock.flush();
    stage.road.down();
    goAway(stage);
    settle(stage);
    expect(stage.server.heard()).toEqual([0, 1]);
    expect(unseen(stage)).toEqual(stage.said.slice(2));
  });

  it("says nothing of it where the end came otherwise, and then nothing is known", () => {
    const stage = begin();
    say(stage, false);
    stage.server.session.close("server shutting down");
    settle(stage);
    expect([stage.client.endings.length, unseen(stage)]).toEqual([1, []]);
  });

  it("has no last word in a session that does not count, or whose transport is lost", () => {
    const plain = talk();
    const road = new Road();
    plain.client.session.start(road.client);
    plain.server.session.start(road.server);
    settle({ ...plain, road, said: [] });
    plain.server.end.tellLast();
    expect(plain.server.session.waiting).toBe(0);
    const lost = begin();
    lost.road.server.end("lost");
    lost.server.end.tellLast();
    expect(lost.server.session.waiting).toBe(0);
  });

  it.each(["12", "1x", "1-1", "11e3"])("is not believed what cannot be: %s", (frame) => {
    const stage = begin();
    stage.client.session.frame(stage.road.client, frame === "12" ? "1999" : frame);
    expect(stage.client.endings.map(({ reason }) => reason)).toEqual(["parse error"]);
    expect(unseen(stage)).toEqual([]);
  });

  it("has seen each event, or not, and its client knows which, whatever was on its way", () => {
    const act = fc.oneof(
      { weight: 4, arbitrary: fc.constantFrom("say", "sayBytes") },
      { weight: 6, arbitrary: fc.constantFrom("turn", "up", "down") },
      { weight: 1, arbitrary: fc.constantFrom("again", "serverSays") },
    );
    fc.assert(
      fc.property(fc.array(act, { maxLength: 60 }), fc.constantFrom(700, 100_000), (acts, bytes) => {
        const stage = begin(bytes);
        for (const each of acts) {
          if (each === "say" || each === "sayBytes") say(stage, each === "sayBytes");
          else if (each === "turn") stage.clock.flush();
          else if (each === "up") stage.road.up();
          else if (each === "down") stage.road.down();
          else if (each === "serverSays") stage.server.say(1);
          else again(stage);
        }
        // A return that is under way arrives.
        if (stage.server.session.state === "suspended") settle(stage);
        goAway(stage);
        settle(stage);
        const seen = stage.server.heard().length;
        expect(stage.server.heard()).toEqual(Array.from({ length: seen }, (_, n) => n));
        if (stage.client.session.state === "closed") expect(unseen(stage)).toEqual(stage.said.slice(seen));
      }),
      { numRuns: 1000 },
    );
  });
});
