// The client for old browsers as one file in ECMAScript 5: every dependency inside, and with packages/client/shims in the place
// of what such browsers lack. Nothing global is touched but `io`.
//
// esbuild bundles, Babel writes ES5, esbuild minifies. What Babel would do by heavy helpers is made plain before: private
// names become properties, and what is iterated is asked for an array.
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { transformAsync } from "@babel/core";
import { build, transform } from "esbuild";

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

/** Sources are bundled, not `dist`. */
const FILES = {
  "#engine-packets": `${root}packages/codec/src/web/engine-packets.ts`,
  "#http": `${shims}/http.ts`,
  "#websocket": `${root}packages/transport/src/client/native-websocket.ts`,
  // As a CommonJS module it would drag in wrappers for all that it needs: see asModule().
  eventemitter3: `${root}node_modules/eventemitter3/index.js`,
};

/**
 * Bundles packages/client/src/browser-legacy.ts.
 *
 * @returns `code` for people, `minified` for browsers, each with its map; and what weighs what, the largest first
 */
export async function bundleLegacy() {
  const { outputFiles, metafile } = await build({
    bundle: true,
    platform: "browser",
    format: "iife",
    target: "es2022",
    sourcemap: "external",
    sourcesContent: true,
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
  const text = (ending) => outputFiles.find(({ path }) => path.endsWith(ending))?.text;
  const bundle = { code: text(".js"), map: JSON.parse(text(".map")) };
  const plain = await lower(bundle, false);
  const short = await lower(bundle, true);
  const inline = Buffer.from(JSON.stringify(short.map)).toString("base64");
  const minified = await transform(
    `${short.code}\n//# sourceMappingURL=data:application/json;base64,${inline}`,
    {
      minify: true,
      target: "es5",
      format: "iife",
      sourcemap: "external",
      sourcesContent: true,
      legalComments: "none",
      charset: "ascii",
    },
  );
  const [output] = Object.values(metafile.outputs).filter(({ entryPoint }) => entryPoint !== undefined);
  const modules = Object.entries(output.inputs)
    .map(([path, { bytesInOutput }]) => ({ path, bytes: bytesInOutput }))
    .sort((a, b) => b.bytes - a.bytes);
  const map = JSON.stringify(plain.map);
  return { code: plain.code, map, minified: minified.code, minifiedMap: minified.map, modules };
}

const files = {
  name: "files",
  setup({ onResolve }) {
    onResolve({ filter: /^(#|eventemitter3$)/ }, ({ path }) => ({ path: FILES[path] }));
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
        sourcemap: "inline",
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
      const { code } = await transform(asModule(await readFile(path, "utf8")), {
        loader: path.endsWith(".ts") ? "ts" : "js",
        target: "es2022",
        sourcemap: "inline",
        sourcefile: path,
        tsconfigRaw: TSCONFIG,
      });
      const options = { ...QUIET, filename: path, sourceMaps: "inline", plugins: [shimCalls] };
      const result = await transformAsync(code, options);
      return { contents: result.code, loader: "js" };
    });
  },
};

/** A CommonJS module that names what it exports once: as such it would drag in wrappers for all that it needs. */
function asModule(source) {
  const exported = /^ *module\.exports = (\w+);$/m.exec(source);
  return exported ? `var module;${source}\nexport { ${exported[1]}, ${exported[1]} as default };` : source;
}

const QUIET = { babelrc: false, configFile: false, browserslistConfigFile: false, compact: false };

function lower({ code, map }, short) {
  return transformAsync(code, {
    ...QUIET,
    comments: !short,
    sourceMaps: true,
    inputSourceMap: map,
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

/** A plugin of Babel: private names become properties with names of their own, one for each class and name. */
function publicNames({ types: t }, { short }) {
  let count = 0;
  return {
    visitor: {
      Program(program) {
        program.traverse({ Class: publish });
      },
    },
  };

  function publish(path) {
    const own = new Map();
    for (const { key } of path.node.body.body) {
      if (key?.type !== "PrivateName" || own.has(key.id.name)) continue;
      own.set(key.id.name, short ? `$${(count++).toString(36)}` : `$${key.id.name}_${count++}`);
    }
    if (own.size === 0) return;
    path.traverse({
      Class({ node, buildCodeFrameError }) {
        const hides = node.body.body.some(({ key }) => key?.type === "PrivateName" && own.has(key.id.name));
        if (hides) throw buildCodeFrameError("a private name hides one of an outer class");
      },
      PrivateName(name) {
        const { parent } = name;
        const key = own.get(name.node.id.name);
        if (key === undefined) return;
        if (parent.type === "BinaryExpression") {
          name.replaceWith(t.stringLiteral(key));
        } else if (parent.type === "ClassPrivateProperty" && parent.value === null) {
          name.parentPath.remove();
        } else if (parent.type === "ClassPrivateProperty") {
          name.parentPath.replaceWith(
            t.classProperty(t.identifier(key), parent.value, null, null, false, parent.static),
          );
        } else if (parent.type === "ClassPrivateMethod") {
          const { kind, params, body, async, generator } = parent;
          name.parentPath.replaceWith(
            t.classMethod(kind, t.identifier(key), params, body, false, parent.static, generator, async),
          );
        } else {
          name.replaceWith(t.identifier(key));
        }
      },
    });
  }
}
