// The client for old browsers as one file in ECMAScript 5: every dependency inside, and with packages/client/shims in the place
// of what such browsers lack. Nothing global is touched but `io`.
//
// esbuild bundles, Babel writes ES5, esbuild and terser minify. What Babel would do by heavy helpers is made plain before: private
// names become properties, and what is iterated is asked for an array.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transformAsync } from "@babel/core";
import { build, transform } from "esbuild";
import { minify } from "terser";
import { IN_BROWSERS } from "./in-browsers.mjs";
import { internalNames, namesPattern } from "./internal-names.mjs";
import { publicNames } from "./public-names.mjs";
import { universal } from "./umd.mjs";

/** What ES5 has not, of the things that the client uses; shims/statics.ts and methods.ts have a function `es5_…` for each. */
const STATICS = [
  "Array.from",
  "ArrayBuffer.isView",
  "Number.isFinite",
  "Number.isInteger",
  "Number.isSafeInteger",
  "Object.assign",
  "Object.entries",
  "Object.fromEntries",
  "Object.hasOwn",
  "Object.values",
  "performance.now",
];

/** They get what they are called on as their first argument. */
const METHODS = new Set(["arrayBuffer", "find", "findIndex", "flatMap", "includes", "keys", "startsWith"]);

const ASSUMPTIONS = [
  "constantReexports",
  "constantSuper",
  "ignoreFunctionLength",
  "ignoreToPrimitiveHint",
  "iterableIsArray",
  "mutableTemplateObject",
  "noClassCalls",
  "noDocumentAll",
  "noIncompleteNsImportDetection",
  "noNewArrows",
  "noUninitializedPrivateFieldAccess",
  "objectRestNoSymbols",
  "pureGetters",
  "setClassMethods",
  "setComputedProperties",
  "setPublicClassFields",
  "setSpreadProperties",
  "skipForOfIteratorClosing",
  "superIsCallableConstructor",
];

const root = fileURLToPath(new URL("..", import.meta.url));
const shims = `${root}packages/client/shims`;

/**
 * Bundles packages/client/src/browser-legacy.ts.
 *
 * @returns `minified` is what is published, `code` the same for tests to read; and what weighs what, the largest first
 */
export async function bundleLegacy() {
  const { outputFiles, metafile } = await build({
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "es2022",
    treeShaking: true,
    legalComments: "none",
    logLevel: "warning",
    metafile: true,
    write: false,
    outdir: "out",
    define: {
      "globalThis.Buffer": "undefined",
      ...Object.fromEntries(STATICS.map((name) => [name, `es5_${name.replace(".", "_")}`])),
    },
    inject: [SHIMS],
    plugins: [files, shimsAsOneFile, callShims],
    entryPoints: ["packages/client/src/browser-legacy.ts"],
    absWorkingDir: root,
    tsconfig: `${root}tsconfig.json`,
  });
  const { text } = outputFiles[0];
  const code = asScript(await lower(text, false));
  const short = await transform(text, { mangleProps: namesPattern(internalNames(text)) });
  const minified = await shorten(asScript(await lower(short.code, true)));
  const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint !== undefined);
  const modules = Object.entries(output.inputs)
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes);
  return { code, minified, modules };
}

/** Two tools one after the other. */
async function shorten(script) {
  const { code } = await transform(script, {
    minify: true,
    target: "es5",
    legalComments: "none",
  });
  const shortest = await minify(code, {
    ecma: 5,
    compress: { passes: 3, pure_getters: true, keep_fargs: false },
    format: { ascii_only: true },
  });
  return String(shortest.code);
}

/** What packages/client/src/browser-legacy.ts has put on `script` becomes the script's value. */
function asScript(code) {
  const { head, tail } = universal('(typeof window!=="undefined"?window:self)');
  return `${head}\n${code}\nreturn script.io;${tail}\n`;
}

const files = {
  name: "files",
  setup({ onResolve }) {
    for (const [name, file] of Object.entries(IN_BROWSERS)) {
      const path = name === "#http" ? `${shims}/http.ts` : `${root}packages/${file}`;
      onResolve({ filter: new RegExp(`^${name}$`) }, () => ({ path }));
    }
  },
};

const SHIMS = "shims";

/** Fields without a value are not made at all. */
const TSCONFIG = { compilerOptions: { useDefineForClassFields: false } };

/** Nothing is put into an injected file; several would be put into each other. */
const shimsAsOneFile = {
  name: "shims-as-one-file",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^shims$/ }, ({ path }) => ({ path, namespace: SHIMS, sideEffects: false }));
    onLoad({ filter: /.*/, namespace: SHIMS }, async () => {
      const { outputFiles } = await build({
        entryPoints: [`${shims}/index.ts`],
        bundle: true,
        format: "esm",
        target: "es2022",
        outdir: shims,
        tsconfigRaw: TSCONFIG,
        write: false,
      });
      return { contents: outputFiles[0].text, loader: "js" };
    });
  },
};

/** Before the bundling, so that the shims which are called are the ones that are bundled. */
const callShims = {
  name: "call-shims",
  setup({ onLoad }) {
    onLoad({ filter: /\.[jt]s$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), {
        loader: path.endsWith(".ts") ? "ts" : "js",
        target: "es2022",
        tsconfigRaw: TSCONFIG,
      });
      const result = await transformAsync(code, { ...QUIET, filename: path, plugins: [shimCalls] });
      return { contents: result.code, loader: "js" };
    });
  },
};

const QUIET = { babelrc: false, configFile: false, browserslistConfigFile: false, compact: false };

async function lower(bundle, short) {
  const { code } = await transformAsync(bundle, {
    ...QUIET,
    comments: !short,
    assumptions: Object.fromEntries(ASSUMPTIONS.map((name) => [name, true])),
    plugins: [[publicNames, { short }]],
    presets: [
      [
        "@babel/preset-env",
        {
          targets: { ie: "9" },
          loose: true,
          modules: false,
          exclude: ["transform-typeof-symbol", "transform-regenerator", "transform-async-to-generator"],
        },
      ],
    ],
  });
  return code;
}

/** A plugin of Babel: calls of newer methods, and everything that is iterated, by way of the shims. */
function shimCalls({ types: t }) {
  const arrayOf = (node) => t.callExpression(t.identifier("es5_Array_from"), [node]);
  return {
    visitor: {
      CallExpression({ node }) {
        const { callee } = node;
        if (callee.type !== "MemberExpression" || callee.computed || !METHODS.has(callee.property.name))
          return;
        if (callee.object.name === "Object") return;
        node.arguments = [callee.object, ...node.arguments];
        node.callee = t.identifier(`es5_${callee.property.name}`);
      },
      ForOfStatement(path) {
        const { left, right, body } = path.node;
        const items = path.scope.generateUidIdentifier("items");
        const at = path.scope.generateUidIdentifier("at");
        left.declarations[0].init = t.memberExpression(items, at, true);
        const init = t.variableDeclaration("let", [
          t.variableDeclarator(at, t.numericLiteral(0)),
          t.variableDeclarator(items, arrayOf(right)),
        ]);
        const test = t.binaryExpression("<", at, t.memberExpression(items, t.identifier("length")));
        const block = body.type === "BlockStatement" ? body.body : [body];
        path.replaceWith(
          t.forStatement(init, test, t.updateExpression("++", at), t.blockStatement([left, ...block])),
        );
      },
      ArrayExpression({ node }) {
        for (const element of node.elements) {
          if (t.isSpreadElement(element)) element.argument = arrayOf(element.argument);
        }
      },
    },
  };
}
