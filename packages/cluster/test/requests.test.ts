import { manualClock } from "@sockeye/conformance";
import { describe, expect, it } from "vitest";
import { type Outcome, Requests } from "../src/requests.js";

function ask(nodes: string[]) {
  const clock = manualClock();
  const requests = new Requests(clock);
  const log: string[] = [];
  let outcome: Outcome | undefined;
  let id = 0;
  requests
    .ask(
      nodes,
      {
        timeoutMs: 5000,
        part: (node, value) => log.push(`${node}: ${value}`),
        ended: (node, answered) => log.push(`${node} ${answered ? "answered" : "missing"}`),
      },
      (sent) => {
        id = sent;
      },
    )
    .then((settled) => {
      outcome = settled;
    });
  const settled = async (): Promise<Outcome | undefined> => {
    await Promise.resolve();
    return outcome;
  };
  return { clock, requests, log, id, settled };
}

describe("a query", () => {
  it.each<[string, (requests: Requests, id: number) => void, Outcome]>([
    ["answers", (r, id) => r.answered(id, "b", { value: 2 }), { answers: [1, 2], missing: [] }],
    ["has nothing to say", (r, id) => r.answered(id, "b", undefined), { answers: [1], missing: [] }],
    ["fails", (r, id) => r.failed(id, "b"), { answers: [1], missing: ["b"] }],
    ["is suspected", (r) => r.gone("b", true), { answers: [1], missing: ["b"] }],
    ["leaves", (r) => r.gone("b", false), { answers: [1], missing: [] }],
  ])("settles once the last node %s", async (_name, end, expected) => {
    const { clock, requests, id, settled } = ask(["a", "b"]);
    requests.answered(id, "a", { value: 1 });
    expect(await settled()).toBeUndefined();
    end(requests, id);
    expect(await settled()).toEqual(expected);
    expect([requests.size, clock.pendingTimers]).toEqual([0, 0]);
  });

  it("settles when time is up, and says who is missing", async () => {
    const { clock, requests, id, log, settled } = ask(["a", "b", "c"]);
    requests.part(id, "a", "half");
    requests.answered(id, "b", { value: 1 });
    clock.advance(5000);
    expect(await settled()).toEqual({ answers: [1], missing: ["a", "c"] });
    expect(log).toEqual(["a: half", "b answered", "a missing", "c missing"]);
  });

  it("hears nobody twice, and nobody who was not asked", async () => {
    const { requests, id, log, settled } = ask(["a", "b"]);
    for (const node of ["a", "a", "z"]) requests.answered(id, node, { value: node });
    requests.part(id, "a", "late");
    requests.part(id, "z", "stranger");
    requests.answered(id + 1, "b", { value: 9 });
    expect(log).toEqual(["a answered"]);
    requests.answered(id, "b", { value: "b" });
    expect(await settled()).toEqual({ answers: ["a", "b"], missing: [] });
  });

  it("of nobody settles at once", async () => {
    expect(await ask([]).settled()).toEqual({ answers: [], missing: [] });
  });
});
