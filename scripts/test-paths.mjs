// npm run test:paths: what a stock client and the bare wire must find, once more for each way around the server's fast paths,
// and for those that are off by default (test/support/servers.ts has them). `npm test` runs all of it as apps have it.
import { run } from "./run.mjs";

const FILES = ["test/interop/matrix", "test/interop/wire/server.test.ts"];
const NAMES = "socket.io-client 4 → sockeye, (websocket|polling, then websocket)|the wire of sockeye";

for (const path of ["ws", "ws-public", "deflate"]) {
  console.log(`\nTEST_PATH=${path}`);
  process.env.TEST_PATH = path;
  run("vitest", ["run", ...FILES, "-t", NAMES, ...process.argv.slice(2)]);
}
