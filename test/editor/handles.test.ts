import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { LanguageServer, type Position } from "./language-server.js";

// What autocomplete offers on what apps hold, and what an editor shows for it, by the declarations as they are published
// (`npm run build`). A name that comes or goes is a decision: `npx vitest run test/editor -u`.

const FOLDER = fileURLToPath(new URL(".", import.meta.url));
const APP = join(FOLDER, "app.ts");
const CLASSES = [
  "Server",
  "Namespace",
  "Socket",
  "BroadcastOperator",
  "RemoteSocket",
  "ClientSocket",
  "Manager",
];
const source = readFileSync(APP, "utf8");
const probes = CLASSES.map((name) => `declare const the${name}: Handles["${name}"];\nthe${name}.x;`).join(
  "\n",
);
const text = `${source}\n${probes}\n`;

const server = new LanguageServer(FOLDER);
beforeAll(async () => {
  await server.start(FOLDER);
  server.open(APP, text);
}, 60_000);
afterAll(() => server.stop());

/** The place right behind the first occurrence of a text. */
function behind(part: string, in_: string = text): Position {
  const before = in_.slice(0, in_.indexOf(part) + part.length).split("\n");
  return { line: before.length - 1, character: before.at(-1)?.length ?? 0 };
}

async function membersOf(name: string): Promise<string[]> {
  const items = await server.offered(APP, behind(`the${name}.`));
  return [...new Set(items.map(({ label }) => label.replace(/\?$/, "")))].sort();
}

describe("what autocomplete offers", () => {
  it("is what members.txt says", { timeout: 60_000 }, async () => {
    const lists: string[] = [];
    for (const name of CLASSES) {
      const members = await membersOf(name);
      expect(members.length, name).toBeGreaterThan(5);
      lists.push(`${name}: ${members.length}`, ...members.map((each) => `  ${each}`), "");
    }
    await expect(lists.join("\n")).toMatchFileSnapshot("./members.txt");
  });

  it("has a sentence for each", { timeout: 120_000 }, async () => {
    const bare: string[] = [];
    let count = 0;
    for (const name of CLASSES) {
      const members = (await membersOf(name)).filter((each) => /^[A-Za-z_]+$/.test(each));
      const path = join(FOLDER, `probe-${name}.ts`);
      const lines = members.map((each) => `the.${each};`);
      const probe = [
        `import type { Handles } from "./app.js";`,
        `declare const the: Handles["${name}"];`,
        ...lines,
      ].join("\n");
      server.open(path, probe);
      for (const [index, each] of members.entries()) {
        const shown = await server.hover(path, { line: index + 2, character: 5 });
        count++;
        // Behind the fence with the signature.
        if (shown.slice(shown.lastIndexOf("```") + 3).trim() === "") bare.push(`${name}.${each}`);
      }
    }
    expect(count).toBeGreaterThan(150);
    expect(bare).toEqual([]);
  });
});

const HOVERS: readonly (readonly [file: string, places: readonly string[]])[] = [
  [
    "app.ts",
    [
      "(socket",
      "socket.emit",
      "socket.emitWithAck",
      "socket.data",
      "socket.nsp",
      '"ask", (question',
      '"room").emit',
      "volatile.emit",
      "io.fetchSockets",
      "client.emit",
      "client.emitWithAck",
    ],
  ],
  [
    "contract-app.ts",
    [
      "const server",
      "(typedSocket",
      "typedSocket.on",
      "(message",
      "typedSocket.emit",
      '"lobby").emit',
      "server.handle",
      "caller",
      "server.stream",
      "(prompt",
      "const typedClient",
      "typedClient.on",
      "(who",
      "typedClient.emit",
      "typedClient.call",
      "typedClient.stream",
      "typedClient.room",
      "(from",
    ],
  ],
];

it.each(HOVERS)("what an editor shows of %s", { timeout: 60_000 }, async (name, places) => {
  const path = join(FOLDER, name);
  const code = name === "app.ts" ? text : readFileSync(path, "utf8");
  if (name !== "app.ts") server.open(path, code);
  const shown: string[] = [];
  for (const place of places) {
    const at = behind(place, code);
    const hover = await server.hover(path, { ...at, character: at.character - 1 });
    expect(hover, place).not.toBe("");
    shown.push(
      `${place}\n${hover
        .slice(0, hover.lastIndexOf("```"))
        .replace(/```(?:typescript|tsx|ts)?/g, "")
        .trim()
        .replace(/^/gm, "  ")}\n`,
    );
  }
  await expect(shown.join("\n")).toMatchFileSnapshot(`./hovers-${name.replace(".ts", "")}.txt`);
});

it("published declarations hold nothing of the inside", () => {
  const packages = fileURLToPath(new URL("../../packages/", import.meta.url));
  const wrong: string[] = [];
  let files = 0;
  for (const name of ["server", "client", "socket", "protocol", "adapter", "engine"]) {
    for (const file of readdirSync(join(packages, name, "dist"), { recursive: true, encoding: "utf8" })) {
      if (!/\.d\.c?ts$/.test(file)) continue;
      files++;
      const code = readFileSync(join(packages, name, "dist", file), "utf8");
      for (const [found] of code.matchAll(
        /@internal|declare module|\b(?:SocketNamespace|NamespaceServer|Home)</g,
      ))
        wrong.push(`${name}/${file}: ${found}`);
    }
  }
  expect(files).toBeGreaterThan(100);
  expect(wrong).toEqual([]);
});
