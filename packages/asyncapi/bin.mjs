#!/usr/bin/env node
import { command } from "./dist/command.js";

const output = { out: (text) => process.stdout.write(text), err: (text) => process.stderr.write(text) };
process.exitCode = await command(process.argv.slice(2), output);
