import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { io, type Socket } from "socket.io-client";
import { expect, onTestFinished, test } from "vitest";

// The program as it is deployed. It runs the built package.
const server = fileURLToPath(new URL("../server.js", import.meta.url));

test.each([["SIGTERM"], ["SIGINT"]] as const)(
  "%s sends everybody away, to come back, and ends",
  async (signal) => {
    const program = spawn(process.execPath, [server], { env: { ...process.env, PORT: "0" } });
    onTestFinished(() => void program.kill("SIGKILL"));
    const [line] = (await once(program.stdout, "data")) as [Buffer];
    const url = /http\S+/.exec(String(line))?.[0] ?? "";
    const guest: Socket = io(url, { auth: { name: "Ann" }, forceNew: true });
    onTestFinished(() => void guest.disconnect());
    await new Promise((resolve) => guest.once("welcome", resolve));
    const gone = new Promise((resolve) => guest.once("disconnect", resolve));
    const ended = once(program, "exit");
    program.kill(signal);
    expect(await gone).toBe("transport close");
    expect(guest.active).toBe(true);
    expect(await ended).toEqual([0, null]);
  },
);
