import { describe, expect, it } from "vitest";
import { Pending, type PendingVisitor } from "../../src/server/request/pending.js";

interface Guest extends PendingVisitor {
  readonly name: string;
}

function room(limits: { maxPending?: number; maxPendingPerAddress?: number }) {
  const cut: string[] = [];
  const told: unknown[] = [];
  const unlimited = Number.POSITIVE_INFINITY;
  const pending = new Pending(
    { maxPending: unlimited, maxPendingPerAddress: unlimited, ...limits },
    (error, address) => told.push([error.code, address]),
  );
  const guest = (name: string, address?: string): Guest => ({
    name,
    address,
    cut: () => void cut.push(name),
  });
  return { pending, cut, told, guest };
}

describe("who is held open", () => {
  it("is cut if too many are, the eldest first", () => {
    const { pending, cut, told, guest } = room({ maxPending: 2 });
    for (const name of ["a", "b", "c", "d"]) pending.enter(guest(name, `of ${name}`));
    expect(cut).toEqual(["a", "b"]);
    expect(told).toEqual([
      ["ERR_TOO_MANY_PENDING", "of a"],
      ["ERR_TOO_MANY_PENDING", "of b"],
    ]);
    expect(pending.size).toBe(2);
  });

  it("is counted by address, and does not push out those of another", () => {
    const { pending, cut, told, guest } = room({ maxPendingPerAddress: 1 });
    pending.enter(guest("a", "one"));
    pending.enter(guest("b", "two"));
    pending.enter(guest("c", "one"));
    pending.enter(guest("d"));
    pending.enter(guest("e"));
    expect(cut).toEqual(["a"]);
    expect(told).toEqual([["ERR_TOO_MANY_PENDING_OF_ADDRESS", "one"]]);
  });

  it("counts no longer once it has left, however often it says so", () => {
    const { pending, cut, guest } = room({ maxPending: 1, maxPendingPerAddress: 1 });
    const guests = Array.from({ length: 50 }, (_, n) => guest(`${n}`, "one"));
    for (const each of guests) {
      pending.enter(each);
      pending.leave(each);
      pending.leave(each);
    }
    expect(cut).toEqual([]);
    expect(pending.size).toBe(0);
  });

  it("is counted for its address alone if it was a session", () => {
    const { pending, cut, guest } = room({ maxPending: 1, maxPendingPerAddress: 2 });
    pending.enterAddress(guest("closing", "one"));
    pending.enterAddress(guest("closing too", "two"));
    pending.enter(guest("claim", "one"));
    expect(cut).toEqual([]);
    pending.enter(guest("claim again", "one"));
    expect(cut).toEqual(["closing", "claim"]);
  });
});
