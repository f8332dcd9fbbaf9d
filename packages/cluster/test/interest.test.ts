import { manualClock } from "@sockeye/conformance";
import { expect, it } from "vitest";
import { Interest } from "../src/interest.js";

it("a room that was left stays for a second, whatever else was left before it", () => {
  const clock = manualClock();
  const said: string[] = [];
  const interest = new Interest({
    clock,
    subscribe: (room) => void said.push(`+${room}`),
    unsubscribe: (rooms) => void said.push(...rooms.map((room) => `-${room}`)),
  });
  for (const room of ["a", "b", "c", "d"]) interest.want(room);
  for (const room of ["a", "b", "c"]) interest.confirmed(room);
  interest.drop("d");
  interest.drop("a");
  clock.advance(600);
  interest.drop("b");
  interest.drop("c");
  interest.want("c");
  clock.advance(399);
  expect(said.splice(0)).toEqual(["+a", "+b", "+c", "+d"]);
  clock.advance(1);
  expect(said.splice(0)).toEqual(["-a"]);
  clock.advance(599);
  expect(said).toEqual([]);
  // The one that is not in force yet does not hold up the others for longer than a second.
  clock.advance(1_000);
  expect(said.splice(0)).toEqual(["-b"]);
  interest.confirmed("d");
  clock.advance(1_000);
  expect(said).toEqual(["-d"]);
});
