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
io.on("connection", (socket) => {
  socket.on("secret-event", () => {
    throw { toString() { throw new Error("nothing to see"); } };
  });
  console.log("sid " + socket.conn.id);
});
http.listen(0, "127.0.0.1", () => {
  const client = dial("http://127.0.0.1:" + http.address().port, { transports: ["websocket"], auth: { token: "hidden-token" } });
  client.emit("secret-event", "hidden-argument");
  client.emit("secret-event", () => {});
  io.on("connection", (socket) => socket.on("disconnect", () => io.close()));
  client.on("connect", () => setTimeout(() => client.disconnect(), 20));
});
`;

function run(pattern: string): { out: string; log: string; status: number | null } {
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--input-type=module", "-e", program], {
    cwd: fileURLToPath(new URL("../../", import.meta.url)),
    env: { ...process.env, DEBUG: pattern, DEBUG_COLORS: "no" },
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
      /sockeye:session:open over websocket from /,
      /sockeye:socket:connect \S+ in \//,
      /sockeye:packet:in type 2 in \//,
      /sockeye:error cannot be shown: object/,
      /sockeye:socket:disconnect \S+ in \/: client namespace disconnect/,
      /sockeye:session:close transport close/,
    ]) {
      expect(all.log).toMatch(line);
    }
  });

  test("shows no secrets", () => {
    const sid = /^sid (\S+)$/m.exec(all.out)?.[1] ?? "";
    expect(sid).toHaveLength(20);
    for (const secret of [sid, "hidden-token", "hidden-argument"]) expect(all.log).not.toContain(secret);
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
