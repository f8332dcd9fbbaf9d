// What the bundle for old browsers asks of a browser.
import { type AnyNode, parse } from "acorn";
import { beforeAll, describe, expect, it } from "vitest";
import { bundleLegacy } from "../../scripts/legacy-bundle.mjs";

/** ES5's own, and those of the page. What is not everywhere is asked for with `typeof`, or tried. */
const GLOBALS = new Set(
  (
    "Array Boolean Date Error FileReader JSON Math Number Object RangeError String TypeError WebSocket XMLHttpRequest ActiveXObject " +
    "EventSource addEventListener arguments clearInterval clearTimeout console decodeURIComponent document encodeURIComponent " +
    "isFinite localStorage location navigator postMessage removeEventListener self setImmediate setInterval setTimeout undefined window"
  ).split(" "),
);

/** Methods that ES5 has not, whatever they are called on. A call of one is a mistake, or a case for packages/client/shims. */
const NEWER = new Set(
  (
    "at codePointAt copyWithin endsWith entries fill find findIndex findLast flat flatMap flatMapIn fromCodePoint " +
    "includes matchAll normalize padEnd padStart repeat replaceAll startsWith trimEnd trimStart finally"
  ).split(" "),
);
/** Names in {@link NEWER} that classes of ours have too. */
const OWN = new Set(["fill", "finally"]);

describe("the bundle for old browsers", () => {
  let bundle: Awaited<ReturnType<typeof bundleLegacy>>;
  const free = new Set<string>();
  const called = new Set<string>();

  beforeAll(async () => {
    bundle = await bundleLegacy();
    const declared = new Set<string>();
    visit(parse(bundle.code, { ecmaVersion: 5 }), (node, parent) => {
      if (node.type === "VariableDeclarator" && node.id.type === "Identifier") declared.add(node.id.name);
      if (node.type === "FunctionDeclaration" || node.type === "FunctionExpression") {
        for (const each of [node.id, ...node.params])
          if (each?.type === "Identifier") declared.add(each.name);
      }
      if (node.type === "CatchClause" && node.param?.type === "Identifier") declared.add(node.param.name);
      if (node.type === "Identifier" && !isName(node, parent)) free.add(node.name);
      if (node.type !== "CallExpression" || node.callee.type !== "MemberExpression") return;
      const { property, computed } = node.callee;
      if (!computed && property.type === "Identifier") called.add(property.name);
    });
    for (const name of declared) free.delete(name);
  }, 180_000);

  it("is ECMAScript 5, minified and not", () => {
    expect(() => parse(bundle.minified, { ecmaVersion: 5 })).not.toThrow();
    expect(() => parse(bundle.code, { ecmaVersion: 5 })).not.toThrow();
    expect(() => parse("() => 1", { ecmaVersion: 5 })).toThrow();
  });

  it("names no global that old browsers lack", () => {
    // Of CommonJS and AMD, and asked for with `typeof`: see scripts/umd.mjs.
    for (const name of ["module", "define"]) expect(free.delete(name), name).toBe(true);
    expect([...free].filter((name) => !GLOBALS.has(name))).toEqual([]);
    expect(free).toContain("XMLHttpRequest");
  });

  it("calls no method that old browsers lack", () => {
    expect([...called].filter((name) => NEWER.has(name) && !OWN.has(name))).toEqual([]);
    expect(called).toContain("indexOf");
  });

  it("is ASCII, whatever encoding the page has", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: that is the question
    expect(bundle.minified).toMatch(/^[\x00-\x7f]*$/);
  });
});

/** Does it name a property and not a variable? */
function isName(node: AnyNode, parent: AnyNode | undefined): boolean {
  if (parent?.type === "MemberExpression") return parent.property === node && !parent.computed;
  return parent?.type === "Property" && parent.key === node;
}

function visit(
  node: AnyNode,
  see: (node: AnyNode, parent: AnyNode | undefined) => void,
  parent?: AnyNode,
): void {
  see(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === "string") visit(child as AnyNode, see, node);
    }
  }
}
