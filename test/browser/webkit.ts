// Finds and starts the WebKit that the browser tests drive: WebKitGTK's MiniBrowser, by its own WebDriver, on a display of
// its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import type { Readable } from "node:stream";
import { vi } from "vitest";
import { findProgram } from "../support/programs.js";
import type { DrivenTab, Driver } from "./driver.js";

const users = "tests in WebKit";

export interface WebKitPrograms {
  readonly driver: string;
  readonly display: string;
}

/** @returns The programs, or undefined. Says why. @throws Error without one, if `CI` is `true`. */
export function findWebKit(): WebKitPrograms | undefined {
  const driver = findProgram({ variable: "WEBKIT_DRIVER_PATH", commands: ["WebKitWebDriver"], users });
  const display = findProgram({ variable: "XVFB_PATH", commands: ["Xvfb"], users });
  return driver === undefined || display === undefined ? undefined : { driver, display };
}

/** @param programs What `findWebKit` found. */
export async function driveWebKit(programs: WebKitPrograms): Promise<Driver> {
  const started: ChildProcess[] = [];
  try {
    const display = spawn(programs.display, ["-displayfd", "3", "-nolisten", "tcp"], {
      stdio: ["ignore", "ignore", "ignore", "pipe"],
    });
    started.push(display);
    const [number] = (await once(display.stdio[3] as Readable, "data")) as [Buffer];
    const port = await freePort();
    const env = { ...process.env, DISPLAY: `:${String(number).trim()}` };
    started.push(spawn(programs.driver, [`--port=${port}`], { env, stdio: "ignore" }));
    const session = await Session.open(`http://127.0.0.1:${port}`);
    return {
      version: `WebKitGTK ${session.version}`,
      open: (url) => session.openTab(url),
      close: async () => {
        await session.close();
        end(started);
      },
    };
  } catch (error) {
    end(started);
    throw error;
  }
}

/** A session of WebDriver. @see https://www.w3.org/TR/webdriver2/ */
class Session {
  private constructor(
    readonly address: string,
    readonly version: string,
    /** The window that it began with. Always there, since the others may be closed. */
    readonly first: string,
  ) {}

  static async open(server: string): Promise<Session> {
    await vi.waitFor(() => fetch(`${server}/status`), { timeout: 10_000 });
    // The tests wait for what happens in the pages, so nothing else has to.
    const capabilities = { alwaysMatch: { pageLoadStrategy: "none" } };
    const { sessionId, capabilities: got } = await call<{
      sessionId: string;
      capabilities: { browserVersion: string };
    }>("POST", `${server}/session`, { capabilities });
    const address = `${server}/session/${sessionId}`;
    return new Session(address, got.browserVersion, await call("GET", `${address}/window`));
  }

  async openTab(url: string): Promise<DrivenTab> {
    const { handle } = await this.#post<{ handle: string }>("window/new", { type: "tab" });
    const go = async (to: string): Promise<void> => {
      await this.#post("window", { handle });
      await this.#post("url", { url: to });
    };
    await go(url);
    return {
      go,
      close: async () => {
        await this.#post("window", { handle });
        await call("DELETE", `${this.address}/window`);
        await this.#post("window", { handle: this.first });
      },
    };
  }

  close(): Promise<unknown> {
    return call("DELETE", this.address);
  }

  #post<T>(command: string, parameters: object): Promise<T> {
    return call("POST", `${this.address}/${command}`, parameters);
  }
}

async function call<T>(method: string, address: string, parameters?: object): Promise<T> {
  const body = parameters === undefined ? null : JSON.stringify(parameters);
  const response = await fetch(address, { method, body });
  const { value } = (await response.json()) as { value: T };
  if (!response.ok) throw new Error(`${method} ${address}: ${JSON.stringify(value)}`);
  return value;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}

function end(processes: readonly ChildProcess[]): void {
  for (const each of [...processes].reverse()) each.kill();
}
