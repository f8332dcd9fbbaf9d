import { nearest } from "@sockeye/protocol";
import { expect, it } from "vitest";

const NAMES = ["pingInterval", "pingTimeout", "cors", "cookie", "maxHttpBufferSize", "path"];

it.each<[name: string, meant: string | undefined]>([
  ["pingIntervall", "pingInterval"],
  ["pingintreval", "pingInterval"],
  ["PINGINTERVAL", "pingInterval"],
  ["maxHttpBufersize", "maxHttpBufferSize"],
  ["corss", "cors"],
  ["crs", "cors"],
  ["ocrs", "cors"],
  ["cookies", "cookie"],
  ["paht", "path"],
  ["port", undefined],
  ["x", undefined],
  ["", undefined],
  ["anything", undefined],
  ["pingInterval".repeat(10), undefined],
])("%s may mean %s", (name, meant) => {
  expect(nearest(name, NAMES)).toBe(meant);
});
