#!/usr/bin/env node
import { refusedNode } from "./dist/node-version.js";

const refused = refusedNode(process.versions.node);
if (refused) {
  console.error(refused);
  process.exitCode = 1;
} else {
  // What it needs may not even load on an older Node.js.
  const { command } = await import("./dist/command.js");
  process.exitCode = await command(process.argv.slice(2));
}
