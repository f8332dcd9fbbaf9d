import { existsSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { NEXT_STATES, SESSION_STATES, type SessionState } from "@sockeye/protocol";
import { describe, expect, it } from "vitest";
import {
  cycles,
  type Import,
  importsOf,
  packages,
  ROOT,
  read,
  sources,
  specifiersOf,
  tokenize,
} from "./imports.js";

/** DESIGN, section 2: who may import whom. Everyone may import protocol. */
const ARROWS: Readonly<Record<string, readonly string[]>> = {
  protocol: [],
  codec: ["protocol/prose"],
  // Of the codec only how packets are told apart in a body or a stream, for both revisions of the engine's protocol.
  transport: ["codec/payload", "codec/chunk-frames", "codec/eio3"],
  session: ["codec", "codec/msgpack", "protocol/prose"],
  socket: ["protocol/prose"],
  adapter: [],
  contract: ["socket"],
  asyncapi: ["contract"],
  rooms: ["socket"],
  // Nothing of socket or adapter: it knows no word of Socket.IO.
  engine: ["transport/server", "transport/client", "session", "protocol/prose"],
  cluster: ["adapter", "codec/msgpack", "protocol/stores"],
  "bus-process": ["protocol/stores"],
  "bus-nats": [],
  "bus-postgres": [],
  emitter: ["cluster/internal", "codec", "session", "socket"],
  "bus-redis": [],
  // Its full served files alone have calls, rooms and streams in them.
  client: [
    "engine/client",
    "transport/client",
    "session",
    "session/msgpack",
    "socket",
    "contract/client",
    "rooms/client",
    "protocol/prose",
  ],
  server: [
    "engine/server",
    "transport/server",
    "session",
    "codec",
    "codec/msgpack",
    "socket",
    "adapter",
    "contract",
    "contract/internal",
    "cluster",
    "rooms",
  ],
  // Types alone, but for protocol.
  react: ["client", "contract/client", "rooms/client", "socket"],
  "create-sockeye": [],
};

/** For tests alone, hence free to import what it tests; nothing imports it. */
const PRIVATE = ["conformance"];

/** Which files may import which packages from elsewhere. */
const FOREIGN: Readonly<Record<string, RegExp>> = {
  ws: /^packages\/transport\/src\/(server|client\/node)\//,
  cookie: /^packages\/transport\/src\/server\//,
  cors: /^packages\/transport\/src\/server\//,
  debug: /^packages\/server\/src\/debug-log\.ts$/,
  eventemitter3: /^packages\/server\/src\/event-store\.ts$/,
  "engine.io-parser": /^packages\/codec\/src\/engine-packets\.ts$/,
  react: /^packages\/react\/src\//,
  "@clack/prompts": /^packages\/create-sockeye\/src\/command\.ts$/,
  vitest: /^packages\/conformance\/src\//,
  "fast-check": /^packages\/conformance\/src\//,
};

/** Where Node.js may be assumed. The rest runs in browsers, too; the adapter extends Node's EventEmitter, as Socket.IO's does. */
const NODE_ONLY =
  /^packages\/(server|adapter|asyncapi|cluster|emitter|bus-[a-z]+|conformance|create-sockeye)\/src\/|^packages\/engine\/src\/server\/|^packages\/client\/src\/node\/|^packages\/transport\/src\/(server|client\/node)\//;

const all = packages();
const house = all.filter(({ folder }) => sources(folder).length > 0);
const imports: Import[] = house.flatMap((pkg) => importsOf(pkg, all));
const folderOf = (file: string): string => file.split("/")[1] ?? "";
const builtins = new Set(builtinModules);

function isBuiltin(specifier: string): boolean {
  return specifier.startsWith("node:") || builtins.has(specifier);
}

function isForeign({ specifier }: Import): boolean {
  return !/^[.#]/.test(specifier) && !specifier.startsWith("@sockeye/") && !isBuiltin(specifier);
}

describe("the scanner of imports", () => {
  it.each<[string, string[]]>([
    ['import "a";', ["a"]],
    ["import x from \"a\"; import { y } from 'b';", ["a", "b"]],
    ['import type { X } from "a";', ["a"]],
    ['import {\n  type X,\n  y,\n} from "a";', ["a"]],
    ['import * as x from "a"', ["a"]],
    ['export * from "a"; export type { X } from "b"; export { y } from "c";', ["a", "b", "c"]],
    ['let x: import("a").X; const y = await import("b");', ["a", "b"]],
    ['let x: typeof import("a");', ["a"]],
    ['import x = require("a"); const y = require("b");', ["a", "b"]],
    ['// import "a"\n/* import "b" */ const text = `import "c"`;', []],
    ['const s = "import \\"a\\""; const t = \'from "b"\';', []],
    ['const r = /"/; import "a"; const q = /["\']/g; import "b";', ["a", "b"]],
    ['const half = 1 / 2; import "a"; const third = 1 / 3;', ["a"]],
    ['Array.from("abc"); x.import("d"); ["from"].join("e");', []],
    ['const from = "a"; export const x = from;', []],
  ])("reads %j", (source, expected) => {
    expect(specifiersOf(source)).toEqual(expected);
  });

  it("finds rings", () => {
    const ring = new Map([
      ["a", new Set(["b"])],
      ["b", new Set(["c", "d"])],
      ["c", new Set(["a"])],
      ["d", new Set<string>()],
    ]);
    expect(cycles(ring)).toEqual([["a", "b", "c", "a"]]);
    expect(cycles(new Map([["a", new Set(["a"])]]))).toEqual([["a", "a"]]);
  });

  it("sees the house", () => {
    expect(house.length).toBeGreaterThanOrEqual(8);
    expect(imports.length).toBeGreaterThan(200);
    expect(imports.some(({ specifier }) => specifier === "ws")).toBe(true);
  });
});

describe("the arrows between packages", () => {
  it("are drawn for every package", () => {
    const drawn = [...Object.keys(ARROWS), ...PRIVATE];
    expect(house.map(({ folder }) => folder).filter((folder) => !drawn.includes(folder))).toEqual([]);
  });

  it.each(Object.entries(ARROWS))(
    "%s imports protocol, %j and nothing else, types included",
    (folder, allowed) => {
      const own = imports.filter(
        ({ file, specifier }) => folderOf(file) === folder && specifier.startsWith("@sockeye/"),
      );
      const may = ["protocol", ...allowed].map((name) => `@sockeye/${name}`);
      expect(own.filter(({ specifier }) => !may.includes(specifier)).map(wrong)).toEqual([]);
    },
  );

  it.each(Object.entries(ARROWS))(
    "%s names in its package.json what it imports, and no more",
    (folder, allowed) => {
      const pkg = all.find((each) => each.folder === folder);
      if (!pkg || sources(folder).length === 0) return;
      const named = Object.keys({ ...pkg.manifest.dependencies, ...pkg.manifest.peerDependencies }).sort();
      const imported = imports
        .filter(
          ({ file, specifier }) =>
            folderOf(file) === folder &&
            !/^[.#]/.test(specifier) &&
            !isBuiltin(specifier) &&
            // What is bundled into served files is there already.
            !file.includes("/src/browser"),
        )
        .map(({ specifier }) => packageOf(specifier));
      expect(named).toEqual([...new Set(imported)].sort());
      const may = ["protocol", ...allowed].map((name) => `@sockeye/${name.split("/")[0]}`);
      expect(named.filter((name) => name.startsWith("@sockeye/") && !may.includes(name))).toEqual([]);
    },
  );

  it("lead only to what a package exports, never into its src", () => {
    const inside = imports.filter(
      ({ specifier, target }) => specifier.startsWith("@sockeye/") && target === undefined,
    );
    expect(inside.map(wrong)).toEqual([]);
    const across = imports.filter(
      ({ file, specifier, target }) =>
        specifier.startsWith(".") && !target?.startsWith(`packages/${folderOf(file)}/src/`),
    );
    expect(across.map(wrong)).toEqual([]);
  });

  it("lead to files that exist, by names with .js", () => {
    const lost = imports.filter(({ target }) => target?.endsWith(".ts") && !existsSync(join(ROOT, target)));
    expect(lost.map(wrong)).toEqual([]);
    const bare = imports.filter(({ specifier }) => specifier.startsWith(".") && !specifier.endsWith(".js"));
    expect(bare.map(wrong)).toEqual([]);
  });
});

/** Folders of transport, each with those that it may import from besides its own. */
const TRANSPORT_FOLDERS: Readonly<Record<string, readonly string[]>> = {
  shared: [],
  memory: [],
  client: ["shared", "client/node"],
  "client/node": ["shared"],
  "server/request": ["shared"],
  "server/turns": ["shared", "server/request"],
  "server/http": ["shared", "server/request", "server/turns"],
  "server/websocket": ["shared", "server/request", "server/turns"],
  "server/webtransport": ["shared", "server/request", "server/turns"],
  "server/gate": [
    "shared",
    "server/request",
    "server/turns",
    "server/http",
    "server/websocket",
    "server/webtransport",
  ],
  // The index, which lists names.
  server: [
    "shared",
    "client/node",
    "server/request",
    "server/turns",
    "server/http",
    "server/websocket",
    "server/webtransport",
    "server/gate",
  ],
};

describe("inside transport", () => {
  const ROOT_FOLDER = "packages/transport/src/";
  const folderIn = (file: string): string => file.slice(ROOT_FOLDER.length, file.lastIndexOf("/"));
  const own = imports.filter(
    ({ file, target }) => file.startsWith(ROOT_FOLDER) && target?.startsWith(ROOT_FOLDER),
  );

  it("every file lies in a folder that has a row", () => {
    const folders = new Set(sources("transport").map(folderIn));
    expect([...folders].sort()).toEqual(Object.keys(TRANSPORT_FOLDERS).sort());
  });

  it.each(Object.entries(TRANSPORT_FOLDERS))("%s imports %j and nothing else", (folder, allowed) => {
    const wrongs = own.filter(({ file, target }) => {
      const to = folderIn(target ?? "");
      return folderIn(file) === folder && to !== folder && !allowed.includes(to);
    });
    expect(wrongs.map(wrong)).toEqual([]);
  });

  it("client imports client/node only by the names #http and #websocket, which a browser's build replaces", () => {
    const crossing = own.filter(
      ({ file, target, specifier }) =>
        folderIn(file) === "client" &&
        folderIn(target ?? "") === "client/node" &&
        !["#http", "#websocket"].includes(specifier),
    );
    expect(crossing.map(wrong)).toEqual([]);
  });
});

describe("inside engine", () => {
  // Limits of packets are told to clients, whatever the packets are.
  it.each([/\bnsp\b/, /namespace(?!Length)/i, /PacketType/, /\bauth\b/])("nothing says %s", (word) => {
    const text = (file: string): string =>
      tokenize(read(file))
        .map((token) => token.text)
        .join(" ");
    expect(sources("engine").filter((file) => word.test(text(file)))).toEqual([]);
  });
});

describe("packages from elsewhere", () => {
  it("are imported only where they may be", () => {
    const strangers = imports.filter(
      (each) => isForeign(each) && !FOREIGN[packageOf(each.specifier)]?.test(each.file),
    );
    expect(strangers.map(wrong)).toEqual([]);
  });

  it("Node.js is assumed only where it is", () => {
    const assuming = imports.filter(({ file, specifier }) => isBuiltin(specifier) && !NODE_ONLY.test(file));
    expect(assuming.map(wrong)).toEqual([]);
  });

  it("modules of Node.js are named with node:", () => {
    expect(
      imports.filter(({ specifier }) => builtins.has(specifier) && !specifier.startsWith("node:")).map(wrong),
    ).toEqual([]);
  });
});

describe("rings of imports, types included", () => {
  it("do not exist between files", () => {
    const graph = new Map<string, Set<string>>();
    for (const { file, target } of imports) {
      const targets = graph.get(file) ?? new Set();
      graph.set(file, targets);
      if (target !== undefined) targets.add(target);
    }
    expect(cycles(graph).map((ring) => ring.join(" → "))).toEqual([]);
  });

  it("do not exist between packages", () => {
    const graph = new Map<string, Set<string>>();
    for (const { file, target } of imports) {
      const targets = graph.get(folderOf(file)) ?? new Set();
      graph.set(folderOf(file), targets);
      if (target !== undefined && folderOf(target) !== folderOf(file)) targets.add(folderOf(target));
    }
    expect(cycles(graph)).toEqual([]);
  });
});

describe("no way around the compiler", () => {
  const files = house.flatMap(({ folder }) => sources(folder));

  it("finds the type any, and no other any", () => {
    const written = [
      "let a: any;",
      "f<any>()",
      "x as any",
      "type A = any[] | B",
      "() => any",
      "Map<string, any>",
    ];
    expect(written.filter((source) => !typesAny(source))).toEqual([]);
    expect(
      [
        "// any",
        "`any`",
        '"any"',
        "a.any",
        "company",
        "const o = { any: 1 }; o.any()",
        "let any = 0; x = y ?? any;",
      ].some(typesAny),
    ).toBe(false);
  });

  it("the type any is nowhere in src", () => {
    expect(files.filter((file) => typesAny(read(file)))).toEqual([]);
  });

  it("timers are those that were there at load: a test that fakes them later holds nobody up", () => {
    // early.js is a script of its own, and has no module to take them from.
    const taken =
      /^packages\/(?:protocol\/src\/native|session\/src\/clock|client\/src\/browser-early)\.ts$|^packages\/conformance\//;
    const free = /(?<![\w.#"'`])(?:set|clear)(?:Timeout|Interval|Immediate)\(|(?<![\w.#"'`])queueMicrotask\(/;
    expect(files.filter((file) => !taken.test(file) && free.test(read(file)))).toEqual([]);
  });

  it.each([/@ts-(?:ignore|nocheck|expect-error)/, /biome-ignore\s+\S*noExplicitAny/])(
    "%s is nowhere in src",
    (pattern) => {
      expect(files.filter((file) => pattern.test(read(file)))).toEqual([]);
    },
  );
});

describe("ARCHITECTURE.md", () => {
  it("lists what each package may import, once", () => {
    const rows = [...read("ARCHITECTURE.md").matchAll(/^\| `([\w-]+)` +\| (nothing|`protocol`.*?) +\|$/gm)];
    const listed = rows.map(([, name, imports = ""]) => [
      name,
      [...imports.matchAll(/`([^`]+)`/g)].map(([, each]) => each),
    ]);
    const allowed = Object.entries(ARROWS).map(([name, imports]) => [
      name,
      name === "protocol" ? [] : ["protocol", ...imports],
    ]);
    expect(listed).toEqual(allowed);
  });

  it("draws the states of a session as the table has them", () => {
    const page = read("ARCHITECTURE.md");
    const diagram = page.match(/```mermaid\s+stateDiagram-v2([\s\S]*?)```/)?.[1] ?? "";
    const states = Object.keys(SESSION_STATES) as SessionState[];
    const drawn = [...diagram.matchAll(/^\s*(\w+)\s*-->\s*(\w+)/gm)]
      .map(([, from, to]) => [from, to] as [SessionState, SessionState])
      .filter((arrow) => arrow.every((state) => states.includes(state)))
      .map((arrow) => arrow.join(" --> "));
    const table = states.flatMap((from) => NEXT_STATES[from].map((to) => `${from} --> ${to}`));
    expect([...new Set(drawn)].sort()).toEqual(table.sort());
  });
});

function packageOf(specifier: string): string {
  return specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
}

function wrong({ file, specifier }: Import): string {
  return `${file} imports ${specifier}`;
}

/** What stands before a type. */
const BEFORE_TYPE = new Set([":", "<", "|", "&", "as", "extends", "is", ">"]);
/** What may stand before a type, and what then follows it. */
const BETWEEN_TYPES = new Set([",", "=", "("]);
const AFTER_TYPE = new Set([">", "[", ";", ",", "|", "&"]);

/** Is the word `any` written where it is a type? */
function typesAny(source: string): boolean {
  const tokens = tokenize(source);
  return tokens.some(({ kind, text }, index) => {
    if (kind !== "word" || text !== "any") return false;
    const before = tokens[index - 1]?.text ?? "";
    const after = tokens[index + 1]?.text ?? "";
    if (tokens[index - 3]?.text === "case") return false;
    return BEFORE_TYPE.has(before) || (BETWEEN_TYPES.has(before) && AFTER_TYPE.has(after));
  });
}
