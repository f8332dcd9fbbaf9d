// WebTransport in Chromium against a real HTTP/3 server. That needs `@moq/web-transport`, a native package that loads with glibc
// 2.38 or later and Node.js 22, and is not among the dependencies (`npm install --no-save @moq/web-transport`). HTTP3_NODE may name another Node.js to
// run it, with arguments. Without it this one test is skipped, also where CI=true, and says why.
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { within } from "../support/wait.js";
import { findChromium, launch } from "./chromium.js";

const root = fileURLToPath(new URL("../../", import.meta.url));
const program = fileURLToPath(new URL("./fixtures/http3-server.ts", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "sockeye-http3-"));
const [certificate, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];

interface Ports {
  readonly page: number;
  readonly h3: number;
}

let child: ChildProcess | undefined;
afterAll(() => {
  child?.stdin?.end();
  rmSync(folder, { recursive: true, force: true });
});

const executablePath = findChromium();
const ports = executablePath === undefined ? undefined : await start();

describe.skipIf(ports === undefined)("WebTransport in Chromium, over HTTP/3", () => {
  test("carries text and bytes both ways, in order", async () => {
    const browser = await launch(executablePath ?? "", true);
    try {
      const page = await browser.newPage();
      await page.goto(`http://127.0.0.1:${ports?.page}/`);
      await page.waitForFunction("window.sockeye");
      const result = await page.evaluate(converse, {
        url: `https://127.0.0.1:${ports?.h3}`,
        hash: fingerprint(),
      });
      expect(result).toEqual({
        client: "webtransport",
        echo: ["webtransport", "€ \u2028 </script>", [0, 1, 254, 255], 100_000],
        ordered: true,
      });
    } finally {
      await browser.close();
    }
  });
});

/** Runs in the page. */
async function converse({ url, hash }: { url: string; hash: number[] }) {
  const { io, WebTransport } = (globalThis as unknown as { sockeye: typeof import("@sockeye/client") })
    .sockeye;
  const value = Uint8Array.from(hash);
  const socket = io(url, {
    transports: [WebTransport],
    transportOptions: {
      webtransport: { serverCertificateHashes: [{ algorithm: "sha-256", value }] },
    } as never,
    reconnection: false,
  });
  await new Promise((resolve, reject) => {
    socket.on("connect", () => resolve(undefined));
    socket.on("connect_error", (error) => reject(error));
  });
  const sent = ["€ \u2028 </script>", Uint8Array.of(0, 1, 254, 255), "x".repeat(100_000)];
  const [name, text, bytes, long] = await new Promise<unknown[]>((resolve) => {
    socket.emit("echo", ...sent, (...answer: unknown[]) => resolve(answer));
  });
  const numbers: number[] = [];
  const all = new Promise((resolve) => {
    socket.on("number", (number: number) => numbers.push(number) === 5000 && resolve(undefined));
  });
  socket.emit("count", 5000);
  await all;
  const client = socket.io.engine.transport.name;
  socket.disconnect();
  const got = [...new Uint8Array(bytes as ArrayBuffer)];
  return {
    client,
    echo: [name, text, got, (long as string).length],
    ordered: numbers.every((number, index) => number === index),
  };
}

/** Chromium takes a certificate by its hash if it is an ECDSA one, for two weeks at most. */
function makeCertificate(): string | undefined {
  const made = spawnSync(
    "openssl",
    `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 10 -subj /CN=localhost -addext
     subjectAltName=DNS:localhost,IP:127.0.0.1 -keyout ${key} -out ${certificate}`.split(/\s+/),
    { encoding: "utf8" },
  );
  return made.status === 0 ? undefined : "there is no openssl that makes a certificate";
}

function fingerprint(): number[] {
  const { fingerprint256 } = new X509Certificate(readFileSync(certificate));
  return fingerprint256.split(":").map((byte) => Number.parseInt(byte, 16));
}

async function start(): Promise<Ports | undefined> {
  const reason = makeCertificate();
  const answer: Partial<Ports> & { missing?: string } =
    reason === undefined ? await startServer() : { missing: reason };
  if (answer.missing === undefined) return answer as Ports;
  console.log(`WebTransport in Chromium is not tested: no HTTP/3 server, ${answer.missing}`);
  return undefined;
}

async function startServer(): Promise<Partial<Ports> & { missing?: string }> {
  const [command = "", ...args] = (process.env["HTTP3_NODE"] ?? process.execPath).split(" ");
  child = spawn(command, [...args, "--import", "tsx", program, certificate, key], {
    cwd: root,
    env: { ...process.env, TSX_TSCONFIG_PATH: `${root}tsconfig.json` },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const { stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new Error("no pipes");
  let complaints = "";
  stderr.on("data", (text) => {
    complaints += String(text);
  });
  const line = new Promise<string>((resolve, reject) => {
    createInterface(stdout).once("line", resolve);
    child?.once("exit", (code) => reject(new Error(`the HTTP/3 server ended with ${code}: ${complaints}`)));
  });
  return JSON.parse(await within(line, "the HTTP/3 server", 15_000)) as Partial<Ports>;
}
