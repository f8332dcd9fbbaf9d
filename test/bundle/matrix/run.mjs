// npm run test:matrix: builds a small app with each tool and runs what comes out, with the packed tarballs of this repository and, as the
// control, with npm's socket.io-client. Prints one table; ends with an error if a tool does worse with ours than with npm's.
import { execFileSync, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const tarballs = join(here, "../../../tarballs");
const require = createRequire(import.meta.url);
if (!existsSync(join(here, "node_modules"))) npm(["ci", "--no-audit", "--no-fund"], here);

const app = mkdtempSync(join(tmpdir(), "matrix-"));
writeFileSync(join(app, "package.json"), '{ "private": true }\n');
npm(["install", "--no-audit", "--no-fund", "--no-save", ...tarballFiles()], app);
// The control, and what the apps import besides.
for (const name of [
  "socket.io-client",
  "engine.io-client",
  "socket.io-parser",
  "engine.io-parser",
  "@socket.io",
  "xmlhttprequest-ssl",
  "debug",
  "ms",
]) {
  const from = join(here, "node_modules", name);
  if (existsSync(from)) cpSync(from, join(app, "node_modules", name), { recursive: true });
}
const { Server } = createRequire(join(app, "x.js"))("@sockeye/server");

const CLIENTS = { ours: "@sockeye/client", control: "socket.io-client" };

/** Each gives the text of a script, made of `entry`, which the table's runner then runs. */
const BUNDLERS = {
  "webpack 4": (entry, out) => webpack("webpack4", entry, out),
  "webpack 5": (entry, out) => webpack("webpack", entry, out),
  Parcel: (entry, out) => {
    node([
      "node_modules/parcel/lib/bin.js",
      "build",
      entry,
      "--dist-dir",
      dirname(out),
      "--no-cache",
      "--no-source-maps",
      "--no-autoinstall",
    ]);
    return readFileSync(join(dirname(out), entry.split("/").at(-1)), "utf8");
  },
  "Metro, without package exports": (entry) => metro(entry, false),
  "Metro, with package exports": (entry) => metro(entry, true),
  browserify: (entry) =>
    new Promise((resolve, reject) =>
      require("browserify")(entry.replace(/\.js$/, ".cjs")).bundle((error, code) =>
        error ? reject(error) : resolve(String(code)),
      ),
    ),
  esbuild: async (entry) => {
    const { outputFiles } = await require("esbuild").build({
      entryPoints: [entry],
      bundle: true,
      write: false,
      logLevel: "silent",
    });
    return outputFiles[0].text;
  },
  rollup: async (entry) => {
    const plugins = [
      require("@rollup/plugin-node-resolve").default({ browser: true }),
      require("@rollup/plugin-commonjs")(),
    ];
    const bundle = await require("rollup").rollup({ input: entry, plugins, onwarn() {} });
    return (await bundle.generate({ format: "iife" })).output[0].code;
  },
  rolldown: async (entry) => {
    const { rolldown } = await import("rolldown");
    const bundle = await rolldown({ input: entry, platform: "browser" });
    return (await bundle.generate({ format: "iife" })).output[0].code;
  },
  Vite: async (entry) => {
    const { build } = await import("vite");
    const lib = { entry, formats: ["iife"], name: "app" };
    const [{ output }] = await build({
      configFile: false,
      root: app,
      logLevel: "silent",
      build: { lib, write: false },
    });
    return output[0].code;
  },
  "RequireJS, the served file": (_entry, _out, name) => {
    const file =
      name === CLIENTS.ours
        ? "@sockeye/client/dist/browser/sockeye.js"
        : "socket.io-client/dist/socket.io.js";
    return `var define = (needs, make) => run((make ?? needs)()); define.amd = {};
      function run(io) { ${talk("io")} }\n${readFileSync(join(app, "node_modules", file), "utf8")}`;
  },
};

/** TypeScript with nothing skipped. */
const RESOLUTIONS = { node10: "commonjs", node16: "node16", bundler: "esnext" };

const rows = [];
const http = createServer();
const server = new Server(http, { cors: { origin: "*" } });
server.on("connection", (socket) => socket.on("say", (text, reply) => reply(text.toUpperCase())));
await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
const url = `http://127.0.0.1:${http.address().port}`;

/** `node run.mjs Parcel browserify`: only tools whose names begin so. */
const asked = process.argv.slice(2);
const isAsked = (tool) => asked.length === 0 || asked.some((each) => tool.startsWith(each));
for (const [tool, bundle] of Object.entries(BUNDLERS)) {
  if (!isAsked(tool)) continue;
  const cells = {};
  for (const [column, name] of Object.entries(CLIENTS)) {
    const folder = join(app, `${tool.replace(/\W/g, "-")}-${column}`);
    mkdirSync(folder, { recursive: true });
    const entry = join(folder, "app.js");
    writeFileSync(entry, `import { io } from "${name}"; ${talk("io")}`);
    writeFileSync(entry.replace(/\.js$/, ".cjs"), `const { io } = require("${name}"); ${talk("io")}`);
    cells[column] = await outcome(async () => heard(await bundle(entry, join(folder, "out/app.js"), name)));
  }
  rows.push([tool, cells]);
  console.error(tool, cells);
}
for (const [resolution, module] of isAsked("TypeScript") ? Object.entries(RESOLUTIONS) : []) {
  for (const types of [[], ["node"]]) {
    const cells = {};
    for (const [column, name] of Object.entries(CLIENTS)) {
      cells[column] = await outcome(() => compile(name, { resolution, module, types, column }));
    }
    rows.push([`TypeScript ${resolution}, ${types.length ? "with" : "without"} Node's types`, cells]);
  }
}
await server.close();

const width = Math.max(...rows.map(([tool]) => tool.length));
console.log(`| ${"tool".padEnd(width)} | @sockeye/client | socket.io-client |`);
console.log(`| ${"-".repeat(width)} | --------------- | ---------------- |`);
for (const [tool, { ours, control }] of rows) {
  console.log(`| ${tool.padEnd(width)} | ${short(ours).padEnd(15)} | ${short(control).padEnd(16)} |`);
  if (ours !== "ok") console.error(`${tool}: ${ours}`);
  if (ours !== "ok" && control === "ok") process.exitCode = 1;
}
rmSync(app, { recursive: true, force: true });
process.exit();

function talk(io) {
  // Nothing younger than ES2018: some of the tools know no separators in numbers.
  return `${io}(__url).timeout(20000).emit("say", "hello", (error, answer) => __done(error ? String(error) : answer));`;
}

async function outcome(act) {
  try {
    await act();
    return "ok";
  } catch (error) {
    return String(error?.message ?? error).slice(0, 1500);
  }
}

function short(text) {
  return text === "ok" ? text : "fails";
}

/** Runs a script as a page would, and waits for what it has heard of the server. */
function heard(code) {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error("no answer")), 30_000);
    const { JSDOM } = require("jsdom");
    const { window } = new JSDOM("<!doctype html>", { runScripts: "outside-only", url });
    Object.assign(window, { fetch, TextEncoder, TextDecoder, __url: url });
    window.__done = (answer) => {
      clearTimeout(late);
      window.close();
      if (answer === "HELLO") resolve();
      else reject(new Error(`answered ${answer}`));
    };
    window.eval(code);
  });
}

function webpack(version, entry, out) {
  const webpack = require(version);
  return new Promise((resolve, reject) => {
    const output = { path: dirname(out), filename: "app.js", hashFunction: "sha256" };
    webpack(
      { mode: "production", entry, output, context: app, optimization: { minimize: false } },
      (error, stats) => {
        if (error || stats.hasErrors())
          reject(error ?? new Error(stats.toString({ all: false, errors: true })));
        else resolve(readFileSync(out, "utf8"));
      },
    );
  });
}

async function metro(entry, packageExports) {
  const presets = [require.resolve("metro-react-native-babel-transformer")];
  writeFileSync(join(app, "babel.config.json"), JSON.stringify({ presets }));
  const { loadConfig, runBuild } = require("metro");
  const config = await loadConfig(
    { cwd: app, resetCache: true, "max-workers": 1 },
    {
      projectRoot: app,
      watchFolders: [join(here, "node_modules")],
      resolver: {
        resolverMainFields: ["react-native", "browser", "main"],
        unstable_enablePackageExports: packageExports,
        unstable_conditionNames: ["require", "react-native"],
        nodeModulesPaths: [join(here, "node_modules")],
        useWatchman: false,
      },
      transformer: { babelTransformerPath: require.resolve("metro-babel-transformer") },
      reporter: { update() {} },
    },
  );
  const { code } = await runBuild(config, {
    entry,
    platform: "ios",
    dev: false,
    minify: false,
    out: undefined,
    output: { build: require("metro/src/shared/output/bundle").build, save: async () => {} },
  });
  return code;
}

function compile(name, { resolution, module, types, column }) {
  const folder = join(app, `types-${resolution}-${types.length}-${column}`);
  mkdirSync(folder, { recursive: true });
  const subpaths =
    column === "ours"
      ? 'import { createMsgpackCodec } from "@sockeye/client/msgpack"; import { io as lean } from "@sockeye/client/websocket"; void [createMsgpackCodec, lean];'
      : "";
  writeFileSync(
    join(folder, "app.mts".replace("m", resolution === "node10" ? "" : "m")),
    `import { io, Manager, type Socket } from "${name}"; ${subpaths}\nconst socket: Socket = io("http://x"); socket.emit("a"); const no: string = socket.connected; void Manager;\n`,
  );
  const options = {
    module,
    moduleResolution: resolution,
    target: "es2022",
    lib: ["es2022", "dom"],
    strict: true,
    skipLibCheck: false,
    noEmit: true,
    types,
    typeRoots: [join(here, "node_modules/@types")],
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions: options, include: ["app.*"] }),
  );
  const { stdout } = spawnSync(
    process.execPath,
    [join(here, "node_modules/typescript/bin/tsc"), "-p", folder],
    { encoding: "utf8" },
  );
  const errors = stdout.split("\n").filter((line) => line.includes("error TS"));
  // The one that the file has on purpose shows that the types are not `any`.
  if (errors.length !== 1 || !errors[0].includes("TS2322")) throw new Error(stdout || "the types are any");
}

function node(args) {
  execFileSync(process.execPath, [join(here, args[0]), ...args.slice(1)], { cwd: app, stdio: "pipe" });
}

function npm(args, cwd) {
  execFileSync("npm", args, { cwd, stdio: "pipe", shell: process.platform === "win32" });
}

function tarballFiles() {
  const { readdirSync } = require("node:fs");
  return readdirSync(tarballs).map((file) => join(tarballs, file));
}
