import { describe, expect, it } from "vitest";
import { Permissions } from "../src/permissions.js";

const NO = { code: "ERR_ROOM_FORBIDDEN" };

/** An app that takes its time. */
function slow() {
  let decide: (granted: boolean) => void = () => {};
  const asked = new Promise<boolean>((resolve) => {
    decide = resolve;
  });
  return { ask: () => asked, decide: (granted: boolean) => decide(granted) };
}

describe("a request that waits for the app's decision", () => {
  it.each<[string, (permissions: Permissions) => void]>([
    ["is revoked", (permissions) => permissions.forget("join a")],
    ["comes from a socket that has gone", (permissions) => permissions.close()],
  ])("and %s is refused at once, whatever the app says later", async (_what, act) => {
    const permissions = new Permissions();
    const { ask, decide } = slow();
    const told: unknown[] = [];
    const over = permissions.check("join a", ask, (refusal) => told.push(refusal));
    act(permissions);
    expect(told).toMatchObject([NO]);
    await over;
    decide(true);
    await ask();
    expect(told).toHaveLength(1);
    // It was not remembered: the app is asked again.
    permissions.check(
      "join a",
      () => false,
      (refusal) => told.push(refusal),
    );
    expect(told).toMatchObject([NO, NO]);
  });

  it("waits with all others of the same question, which the app is asked once", async () => {
    const permissions = new Permissions();
    const { ask, decide } = slow();
    let asked = 0;
    const told: unknown[] = [];
    const check = (): PromiseLike<void> | undefined =>
      permissions.check(
        "join a",
        () => {
          asked++;
          return ask();
        },
        (refusal) => told.push(refusal),
      );
    const waits = [check(), check(), check()];
    decide(true);
    await Promise.all(waits);
    expect([asked, told]).toEqual([1, [undefined, undefined, undefined]]);
    expect(check()).toBeUndefined();
    expect(told).toHaveLength(4);
  });

  it("is not forgotten for the sake of newer ones", async () => {
    const permissions = new Permissions();
    const { ask, decide } = slow();
    const told: unknown[] = [];
    const over = permissions.check("join a", ask, (refusal) => told.push(refusal));
    for (let n = 0; n < 3000; n++)
      permissions.check(
        `join ${n}`,
        () => true,
        () => {},
      );
    decide(true);
    await over;
    expect(told).toEqual([undefined]);
  });
});

it("only `true` is a yes", async () => {
  const permissions = new Permissions();
  const told: unknown[] = [];
  const odd = ["yes", 1, {}, null, undefined, Promise.resolve("yes"), Promise.resolve({})];
  const waits = odd.map((answer, n) =>
    permissions.check(
      `${n}`,
      () => answer as never,
      (refusal) => told.push(refusal),
    ),
  );
  await Promise.all(waits);
  expect(told).toMatchObject(odd.map(() => NO));
});
