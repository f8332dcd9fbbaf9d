import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";

// A process of its own, since DEBUG is read when the module loads. It runs the built package.
const program = `
import { createServer } from "node:http";
import { Server } from "@sockeye/server";
import { io as dial } from "@sockeye/client";
const http = createServer();
const io = new Server(http, { transports: ["websocket"] });
io.on("error", () => {});
io.of(new RegExp("^/x")).on("connection", (socket) => {
  throw new Error("in " + socket.nsp.name);
});
io.on("connection", (socket) => {
  socket.on("secret-event", () => {
    throw { toString() { throw new Error("nothing to see"); } };
  });
  socket.onAny((event) => {
    throw new Error("no such event: " + event);
  });
  console.log("sid " + socket.conn.id);
});
http.listen(0, "127.0.0.1", async () => {
  await fetch("http://127.0.0.1:" + http.address().port + "/socket.io/?EIO=4&transport=websocket&token=hidden-query", {
    headers: { origin: "http://localhost:5173" },
  });
  const client = dial("http://127.0.0.1:" + http.address().port, { transports: ["websocket"], auth: { token: "hidden-token" } });
  client.emit("secret-event", "hidden-argument");
  client.emit("secret-event", () => {});
  const hostile = "forged\\n2026-01-01 all is well\\u001b[2J\\u2028\\u202e\\ud800";
  client.emit(hostile, 1);
  const other = client.io.socket("/x" + hostile);
  other.connect();
  io.on("connection", (socket) => socket.on("disconnect", () => io.close()));
  client.on("connect", () => setTimeout(() => {
    other.disconnect();
    client.disconnect();
  }, 50));
});
`;

function run(pattern: string): { out: string; log: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    env: { ...process.env, DEBUG: pattern, DEBUG_COLORS: "no", NODE_ENV: "production" },
    encoding: "utf8",
    timeout: 15_000,
  });
  return { out: stdout, log: stderr, status };
}

describe("DEBUG", () => {
  let all: ReturnType<typeof run>;
  beforeAll(() => {
    all = run("sockeye:*");
  });

  test("shows what happens", () => {
    expect(all.status).toBe(0);
    for (const line of [
      /sockeye:session:open #1 over websocket: GET \/socket\.io\/ from 127\.0\.0\.1\n/,
      /sockeye:socket:connect #1 \S+ in \//,
      /sockeye:packet:in #1 type 2 in \//,
      /sockeye:error cannot be shown: object/,
      /sockeye:socket:disconnect #1 \S+ in \/: client namespace disconnect/,
      /sockeye:session:close #1 transport close/,
      /sockeye:session:refuse 40 Origin not allowed FOREIGN_ORIGIN: GET \/socket\.io\/ from 127\.0\.0\.1, page http:\/\/localhost:5173\n/,
    ]) {
      expect(all.log).toMatch(line);
    }
  });

  test("shows what strangers choose in one line each, and plain", () => {
    const lines = all.log.trimEnd().split("\n");
    expect(lines.filter((line) => !/^\S+ sockeye:/.test(line))).toEqual([]);
    expect(all.log).not.toMatch(/[\p{Zl}\p{Zp}\p{Cf}\p{Cs}]|(?!\n)\p{Cc}/u);
    expect(all.log).toContain("in /xforged\\n2026-01-01 all is well\\u001b[2J\\u2028\\u202e");
    expect(all.log).toContain("no such event: forged\\n2026-01-01");
  });

  test("shows no secrets", () => {
    const sid = /^sid (\S+)$/m.exec(all.out)?.[1] ?? "";
    expect(sid).toHaveLength(20);
    for (const secret of [sid, "hidden-query", "hidden-token", "hidden-argument"])
      expect(all.log).not.toContain(secret);
  });

  test("shows only what it names", () => {
    const { log } = run("sockeye:socket:*");
    expect(log).toContain("sockeye:socket:connect");
    expect(log).not.toContain("sockeye:packet");
  });

  test("is silent if it is not set", () => {
    expect(run("")).toMatchObject({ log: "", status: 0 });
  });
});
