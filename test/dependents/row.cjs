// A process of run.mjs: `row.cjs <folder> <row>`. It ends with 0 if the row comes to its end there.
"use strict";
const { createRequire } = require("node:module");
const { join } = require("node:path");
const { rows } = require("./rows.cjs");

const [, , folder, name] = process.argv;
const load = createRequire(join(folder, "package.json"));
setTimeout(() => {
  console.error("not within 20 s");
  process.exit(1);
}, 20_000);
rows[name]({ load, folder, redis: process.env.REDIS_URL }).then(
  () => process.exit(0),
  (error) => {
    console.error(error);
    process.exit(1);
  },
);
