import { fileURLToPath } from "node:url";
import { call, contract, event, stream, type } from "@sockeye/contract";
import { type as ark } from "arktype";
import fc from "fast-check";
import * as v from "valibot";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { command } from "../src/command.js";
import { asyncapi, jsonSchema } from "../src/index.js";

const Tree = z.object({
  name: z.string(),
  get children() {
    return z.array(Tree);
  },
});

const main = contract({
  toServer: {
    say: event(z.string().max(500), ark("number")),
    rename: call(z.string(), { answer: z.string(), errors: { TAKEN: z.object({ suggest: z.string() }) } }),
    ask: stream(
      z.string().transform((text) => text.length),
      { item: z.string(), end: z.number() },
    ),
    ping: call(),
  },
  toClient: { said: event(Tree), "has spaces / and more": event() },
});

/** What a reference leads to. */
function follow(document: object, ref: string): unknown {
  return ref
    .slice(2)
    .split("/")
    .reduce((at: unknown, key) => (at as Record<string, unknown>)[decodeURIComponent(key)], document);
}

function references(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, each]) =>
    key === "$ref" ? [each as string] : references(each),
  );
}

describe("an AsyncAPI document", () => {
  const { document, warnings } = asyncapi(main, {
    title: "Chat",
    version: "2.0.0",
    url: "https://chat.test/socket.io/",
  });

  it("names the server, the namespace and each operation as the server sees it", () => {
    expect(document).toMatchObject({
      asyncapi: "3.0.0",
      info: { title: "Chat", version: "2.0.0" },
      servers: { main: { host: "chat.test", pathname: "/socket.io/", protocol: "wss" } },
      channels: { main: { address: "/" } },
      operations: {
        "main.receive.say": { action: "receive", summary: "event" },
        "main.receive.rename": {
          action: "receive",
          reply: {
            messages: [
              { $ref: "#/channels/main/messages/rename.answer" },
              { $ref: "#/channels/main/messages/rename.error.TAKEN" },
            ],
          },
        },
        "main.receive.ask": { action: "receive", summary: "stream" },
        "main.send.said": { action: "send" },
      },
    });
    expect(warnings).toEqual([]);
  });

  it("a message is the list of arguments, as the sender gives them", () => {
    const payload = (name: string) =>
      (follow(document, `#/channels/main/messages/${name}`) as { payload: { items: { $ref: string }[] } })
        .payload;
    const schemas = (name: string) => payload(name).items.map(({ $ref }) => follow(document, $ref));
    expect(schemas("say")).toEqual([{ type: "string", maxLength: 500 }, { type: "number" }]);
    // Not the number that the transform makes of it.
    expect(schemas("ask")).toEqual([{ type: "string" }]);
    expect(payload("ping")).toEqual({ type: "array", maxItems: 0 });
    expect(payload("ping.answer")).toEqual({ type: "array", maxItems: 0 });
  });

  it("every reference leads somewhere, those within a schema too", () => {
    const all = references(document);
    expect(all.length).toBeGreaterThan(15);
    expect(all.some((ref) => ref.includes("said"))).toBe(true);
    for (const ref of all) expect([ref, typeof follow(document, ref)]).toEqual([ref, "object"]);
  });

  it("any name of an event or namespace gives keys that AsyncAPI takes, and no two the same", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ unit: "binary" }), { minLength: 1, maxLength: 6 }), (names) => {
        const items = Object.fromEntries(names.map((name) => [name, event(z.string())]));
        const described = contract({ toServer: items, toClient: items });
        const { document } = asyncapi({ [names[0] ?? ""]: described });
        const { channels, operations, components } = document;
        for (const key of [channels, operations, components.schemas].flatMap((each) => Object.keys(each)))
          expect(key).toMatch(/^[\w.-]+$/);
        expect(Object.keys(operations)).toHaveLength(2 * Object.keys(items).length);
        for (const ref of references(document)) expect(follow(document, ref)).toBeTypeOf("object");
      }),
    );
  });

  it("says what has no JSON Schema, and goes on without", () => {
    const odd = contract({
      toServer: { at: event(z.date()), bare: event(v.string()), free: event(type<string>()) },
    });
    const { document, warnings } = asyncapi({ "/": main, chat: odd });
    expect(warnings).toEqual([
      expect.stringContaining("chat.at: "),
      "chat.bare: valibot gives no JSON Schema; the option jsonSchema can",
    ]);
    expect(document.channels["chat"]).toMatchObject({ address: "/chat" });
    const helped = asyncapi(odd, { jsonSchema: () => ({ type: "string" }) });
    expect(helped.warnings).toEqual([]);
    expect(helped.document.components.schemas["main.bare"]).toEqual({ type: "string" });
  });

  it.each<[string, () => unknown]>([
    ["no contract", () => asyncapi({} as never)],
    ["another object", () => asyncapi({ "/": { toServer: {} } } as never)],
    ["a bad URL", () => asyncapi(main, { url: "chat.test" })],
    ["a URL of another kind", () => asyncapi(main, { url: "ftp://chat.test" })],
  ])("%s is refused", (_, act) => {
    expect(act).toThrow(expect.objectContaining({ code: "ERR_BAD_OPTION" }));
  });
});

it("JSON Schema has a definition for each part", () => {
  const { document } = jsonSchema({ "/": main, "/chat": contract({ toServer: { say: event(z.int()) } }) });
  expect(Object.keys(document.definitions)).toEqual([
    "say.0",
    "say.1",
    "rename.input",
    "rename.answer",
    "rename.error.TAKEN",
    "ask.input",
    "ask.item",
    "ask.end",
    "said.0",
    "chat.say.0",
  ]);
  for (const ref of references(document)) expect(follow(document, ref)).toBeTypeOf("object");
});

describe("the command", () => {
  const fixture = fileURLToPath(new URL("./contracts.fixture.ts", import.meta.url));
  async function run(...args: string[]) {
    const said = { out: "", err: "" };
    const code = await command(args, {
      out: (text) => {
        said.out += text;
      },
      err: (text) => {
        said.err += text;
      },
    });
    return { code, ...said };
  }

  it("writes the document, and nothing else", async () => {
    const named = ["--namespace", "/=main", "--namespace", "/chat=chat"];
    const { code, out, err } = await run(fixture, ...named, "--title", "T", "--url", "http://x.test");
    expect([code, err]).toEqual([0, ""]);
    expect(JSON.parse(out)).toMatchObject({
      info: { title: "T" },
      servers: { main: { protocol: "ws", pathname: "/socket.io/" } },
      channels: { main: {}, chat: { address: "/chat" } },
    });
    const { out: schema } = await run(fixture, ...named, "--json-schema");
    expect(JSON.parse(schema)).toHaveProperty(["definitions", "chat.say.0"]);
  });

  it.each<[string[], RegExp]>([
    [[], /name one module/],
    [[fixture], /which contract is for which namespace: .*main, chat/],
    [[fixture, "--namespace", "/=nobody"], /not \/=nobody\. Contracts here: main, chat/],
    [[fixture, "--namespace", "/=toString"], /not \/=toString/],
    [["/no/such/file.js"], /such/],
    [[fixture, "--tilte", "x"], /tilte/],
  ])("%j is an error that says what to do", async (args, text) => {
    const { code, out, err } = await run(...args);
    expect([code, out]).toEqual([1, ""]);
    expect(err).toMatch(text);
  });
});
