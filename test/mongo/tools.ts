// npm's adapter for MongoDB, and the driver's own BSON. They have a lock file of their own beside this, and are installed when they are needed
// first.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";
import type { ServerOptions } from "socket.io";

type Adapter = NonNullable<ServerOptions["adapter"]>;

export interface MongoTools {
  readonly createAdapter: (collection: unknown, options?: { readonly heartbeatInterval?: number }) => Adapter;
  readonly bson: Bson;
}

/** As far as the tests use it. */
export interface Bson {
  readonly ObjectId: new () => ObjectId;
  serialize(document: object, options: { readonly ignoreUndefined: boolean }): Uint8Array;
  deserialize(bytes: Uint8Array): Record<string, unknown>;
}

export interface ObjectId {
  toHexString(): string;
}

/** @returns Nothing, and says so, where they cannot be installed; with `CI=true` that is an error instead. */
export function loadMongo(): MongoTools | undefined {
  const here = fileURLToPath(new URL(".", import.meta.url));
  if (!existsSync(`${here}node_modules/.package-lock.json`)) {
    const { status, stderr } = spawnSync("npm", ["ci", "--no-audit", "--no-fund"], {
      cwd: here,
      encoding: "utf8",
      shell: process.platform === "win32",
    });
    if (status !== 0) {
      if (process.env["CI"] === "true") throw new Error(`npm ci in test/mongo: ${stderr}`);
      console.log(
        `the tests of @socket.io/mongo-adapter are skipped: npm ci has failed in test/mongo\n${stderr}`,
      );
      return undefined;
    }
  }
  const load = createRequire(`${here}package.json`);
  const { createAdapter } = load("@socket.io/mongo-adapter") as Pick<MongoTools, "createAdapter">;
  const { BSON } = load("mongodb") as { BSON: Bson };
  return { createAdapter, bson: BSON };
}
