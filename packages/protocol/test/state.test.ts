import { NEXT_STATES, SESSION_STATES, type SessionState } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const states = Object.keys(SESSION_STATES) as SessionState[];

function reachable(from: SessionState): Set<SessionState> {
  const found = new Set<SessionState>([from]);
  for (const state of found) for (const next of NEXT_STATES[state]) found.add(next);
  return found;
}

describe("the states of a session", () => {
  it("are the six of the design", () => {
    expect(states).toEqual(["opening", "open", "upgrading", "suspended", "closing", "closed"]);
  });

  it.each(states)("%s leads only to states that exist, and not to itself", (state) => {
    const next = NEXT_STATES[state];
    expect(next.filter((each) => !states.includes(each))).toEqual([]);
    expect(next).not.toContain(state);
    expect(new Set(next).size).toBe(next.length);
  });

  it("all come after opening, and all end in closed", () => {
    expect([...reachable("opening")].sort()).toEqual([...states].sort());
    for (const state of states) expect(reachable(state)).toContain("closed");
  });

  it("closed is the end: nothing follows and nothing passes", () => {
    expect(SESSION_STATES.closed).toEqual({ accepts: false, writes: false, delivers: false });
    expect(NEXT_STATES.closed).toEqual([]);
  });

  it("what accepts packets can still come to write them", () => {
    for (const state of states) {
      if (!SESSION_STATES[state].accepts) continue;
      expect([...reachable(state)].some((each) => SESSION_STATES[each].writes === true)).toBe(true);
    }
  });

  it("nothing comes in before the session is open, nor once it is closing", () => {
    expect(states.filter((state) => SESSION_STATES[state].delivers)).toEqual(["open", "upgrading"]);
  });

  it("only the server writes while the client has paused its transport", () => {
    expect(states.filter((state) => SESSION_STATES[state].writes === "server")).toEqual(["upgrading"]);
  });
});
