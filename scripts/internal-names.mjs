// The names of properties that nobody outside of a bundle can see: they may be made short in files that are served.
//
// Everything is public unless it is known not to be: names of the platform, all words in the files that describe what apps can reach
// and in what travels, but for comments, and all words that the code itself has in a text, but for prose.
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parse } from "acorn";

const packages = fileURLToPath(new URL("../packages/", import.meta.url));
const require = createRequire(import.meta.url);

/** What old browsers have, and stands in no list of today's. */
const OLD = [
  ...sourcesIn("client/shims"),
  "protocol/src/native.ts",
  "transport/src/client/iframe.ts",
  "transport/src/client/jsonp.ts",
  "transport/src/client/xhr-stream.ts",
];

/** What apps can reach: options, events, packets, errors, and what classes of transports and codecs of their own are made of. */
const PUBLIC = [
  ...sourcesIn("contract/src"),
  ...sourcesIn("rooms/src"),
  "client/src/browser-legacy.ts",
  "client/src/io.ts",
  "client/src/manager-view.ts",
  "client/src/manager.ts",
  "client/src/options.ts",
  "client/src/recovery.ts",
  "client/src/socket.ts",
  "codec/src/attachments.ts",
  "codec/src/parser-codec.ts",
  "engine/src/client/options.ts",
  "protocol/src/codec.ts",
  "protocol/src/errors.ts",
  "protocol/src/packet.ts",
  "protocol/src/session.ts",
  "protocol/src/transport.ts",
  "socket/src/additions.ts",
  "socket/src/emission.ts",
  "socket/src/emitter.ts",
  "socket/src/contract-end.ts",
  "socket/src/engine-socket.ts",
  "socket/src/extension.ts",
  "socket/src/socket-emitter.ts",
  "transport/src/shared/dial-options.ts",
  "transport/src/shared/http-like.ts",
  "transport/src/client/early-dial.ts",
  "transport/src/client/target.ts",
  "transport/src/shared/websocket-like.ts",
];

/** @param code of a bundle with the names that people gave */
export function internalNames(code) {
  const known = publicNames();
  const names = new Set();
  const texts = [];
  visit(parse(code, { ecmaVersion: 2022, sourceType: "module" }), (node) => {
    // What has a space is prose.
    if (typeof node.value === "string" && !node.value.includes(" ")) texts.push(node.value);
    const key = node.type === "MemberExpression" ? node.property : node.key;
    if (key?.type === "Identifier" && !node.computed) names.add(key.name);
  });
  for (const word of wordsOf(texts.join(" "))) known.add(word);
  return [...names].filter((name) => !known.has(name)).sort();
}

/** For esbuild's `mangleProps`. */
export function namesPattern(names) {
  return new RegExp(`^(?:${names.join("|").replaceAll("$", "\\$&")})$`);
}

const COMMENTS = /\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/ .*$/gm;

let cache;

function publicNames() {
  cache ??= [...[...PUBLIC, ...OLD].map((file) => packages + file), ...platform()].map((file) =>
    readFileSync(file, "utf8").replace(COMMENTS, ""),
  );
  return new Set(cache.flatMap((text) => wordsOf(text)));
}

/** For packages that speak to apps and with the wire in nearly every file. */
function sourcesIn(folder) {
  return readdirSync(packages + folder, { recursive: true })
    .filter((file) => file.endsWith(".ts"))
    .map((file) => `${folder}/${file}`);
}

/** What TypeScript knows of browsers and the language. */
function platform() {
  const native = `@typescript/typescript-${process.platform}-${process.arch}/package.json`;
  const from = createRequire(require.resolve("typescript/package.json"));
  const lib = `${dirname(from.resolve(native))}/lib`;
  return readdirSync(lib)
    .filter((name) => /^lib\..*\.d\.ts$/.test(name))
    .map((name) => `${lib}/${name}`);
}

function wordsOf(text) {
  return text.match(/[\w$]+/g) ?? [];
}

function visit(node, see) {
  if (Array.isArray(node)) for (const each of node) visit(each, see);
  else if (typeof node?.type === "string") {
    see(node);
    for (const child of Object.values(node)) if (typeof child === "object") visit(child, see);
  }
}
