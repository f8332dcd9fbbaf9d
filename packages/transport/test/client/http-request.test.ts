import "../../../../test/support/follow-fakes.js";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { httpRequest as viaWeb } from "../../src/client/http-request.js";
import { httpRequest as viaNode } from "../../src/client/node/http.js";
import { addressOf, type Target } from "../../src/client/target.js";
import type { HttpRequest } from "../../src/shared/http-like.js";
import { HandServer } from "./http-server.js";
import { target } from "./target-of.js";

afterEach(() => vi.unstubAllGlobals());

function ask(changes: Partial<Target> = {}, body?: string, via: typeof viaWeb = viaWeb): HttpRequest {
  const options = target(changes);
  return via(addressOf(options, "polling", true), options, body);
}

describe.each([
  ["fetch", viaWeb],
  ["node:http", viaNode],
])("with %s", (_name, via) => {
  it("sends a GET with the user's headers", async () => {
    const server = await HandServer.start();
    const { answer } = ask({ url: server.url, sid: "s", headers: { "x-token": "abc" } }, undefined, via);
    const asked = await server.next();
    expect(asked.method).toBe("GET");
    expect(asked.headers["x-token"]).toBe("abc");
    expect(asked.headers["content-type"]).toBeUndefined();
    expect(asked.query.get("transport")).toBe("polling");
    expect(asked.query.get("sid")).toBe("s");
    expect(asked.query.get("t")).toBeTruthy();
    asked.answer("6ž");
    expect(await answer).toEqual({ status: 200, responseText: "6ž" });
  });

  it("sends a POST as text", async () => {
    const server = await HandServer.start();
    const { answer } = ask({ url: server.url }, "4žluť", via);
    const asked = await server.next();
    expect([asked.method, asked.body]).toEqual(["POST", "4žluť"]);
    expect(asked.headers["content-type"]).toBe("text/plain;charset=UTF-8");
    asked.answer("ok");
    expect(await answer).toEqual({ status: 200, responseText: "ok" });
  });

  it("answers with the body of a refusal", async () => {
    const server = await HandServer.start();
    const { answer } = ask({ url: server.url }, undefined, via);
    (await server.next()).answer('{"code":1,"message":"Session ID unknown"}', 400);
    expect(await answer).toEqual({ status: 400, responseText: '{"code":1,"message":"Session ID unknown"}' });
  });

  it("rejects when the network fails", async () => {
    const server = await HandServer.start();
    const { answer } = ask({ url: server.url }, undefined, via);
    (await server.next()).destroy();
    await expect(answer).rejects.toBeInstanceOf(Error);
    await expect(ask({ url: "http://[bad/" }, undefined, via).answer).rejects.toBeInstanceOf(TypeError);
  });

  it("rejects after requestTimeoutMs, also in the middle of a body", async () => {
    const server = await HandServer.start();
    const { answer } = ask({ url: server.url, requestTimeoutMs: 50 }, undefined, via);
    await expect(answer).rejects.toThrow("request timeout");
    const asked = await server.next();
    await vi.waitFor(() => expect(asked.aborted()).toBe(true));
  });

  it("leaves no timer behind", async () => {
    const server = await HandServer.start();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    try {
      const request = ask({ url: server.url, requestTimeoutMs: 60_000 }, undefined, via);
      expect(vi.getTimerCount()).toBe(1);
      request.abort();
      await expect(request.answer).rejects.toThrow();
      expect(vi.getTimerCount()).toBe(0);
    } finally {
      vi.useRealTimers();
    }
  });

  it("cancels", async () => {
    const server = await HandServer.start();
    const request = ask({ url: server.url }, undefined, via);
    const asked = await server.next();
    request.abort();
    await expect(request.answer).rejects.toThrow();
    await vi.waitFor(() => expect(asked.aborted()).toBe(true));
  });
});

describe("with fetch", () => {
  const options: [withCredentials: boolean, body: string | undefined, expected: object][] = [
    [false, undefined, { method: "GET", credentials: "same-origin", keepalive: false, body: null }],
    [true, undefined, { method: "GET", credentials: "include", keepalive: false, body: null }],
    [false, "4", { method: "POST", credentials: "same-origin", keepalive: false, body: "4" }],
    [false, "1", { method: "POST", credentials: "same-origin", keepalive: true, body: "1" }],
  ];
  it.each(options)("with credentials %s and body %s asks fetch for %o", (withCredentials, body, expected) => {
    const fetched = vi.fn(() => new Promise(() => {}));
    vi.stubGlobal("fetch", fetched);
    ask({ withCredentials }, body);
    expect(fetched).toHaveBeenCalledWith(expect.any(String), expect.objectContaining(expected));
  });
});

describe("with XMLHttpRequest", () => {
  class Stub {
    static last: Stub;
    status = 0;
    responseText = "";
    withCredentials = false;
    timeout = 0;
    onloadend: (() => void) | undefined;
    readonly headers: Record<string, string> = {};
    readonly calls: string[] = [];
    constructor() {
      Stub.last = this;
    }
    open(method: string, url: string): void {
      if (url.startsWith("bad")) throw new SyntaxError("bad address");
      this.calls.push(`open ${method}`);
    }
    setRequestHeader(name: string, value: string): void {
      this.headers[name] = value;
    }
    send(body?: string): void {
      this.calls.push(`send ${body}`);
    }
    abort(): void {
      this.calls.push("abort");
      this.onloadend?.();
    }
    end(status: number, text: string): void {
      this.status = status;
      this.responseText = text;
      this.onloadend?.();
    }
  }

  beforeEach(() => {
    vi.stubGlobal("fetch", undefined);
    vi.stubGlobal("XMLHttpRequest", Stub);
  });

  it("sends a GET", async () => {
    const { answer } = ask({ headers: { "x-token": "abc" }, withCredentials: true });
    const xhr = Stub.last;
    expect(xhr.calls).toEqual(["open GET", "send undefined"]);
    expect(xhr.headers).toEqual({ "x-token": "abc" });
    expect(xhr.withCredentials).toBe(true);
    xhr.end(200, "6");
    expect(await answer).toMatchObject({ status: 200, responseText: "6" });
  });

  it("sends a POST as text", async () => {
    const { answer } = ask({ requestTimeoutMs: 70 }, "4x");
    const xhr = Stub.last;
    expect(xhr.calls).toEqual(["open POST", "send 4x"]);
    expect(xhr.headers).toEqual({ "Content-Type": "text/plain;charset=UTF-8" });
    expect([xhr.timeout, xhr.withCredentials]).toEqual([70, false]);
    xhr.end(400, "{}");
    expect(await answer).toMatchObject({ status: 400, responseText: "{}" });
  });

  it("answers with status 0 when the network fails", async () => {
    const { answer } = ask();
    Stub.last.end(0, "");
    expect(await answer).toMatchObject({ status: 0 });
  });

  it("rejects what the platform refuses to open", async () => {
    await expect(ask({ url: "bad" }).answer).rejects.toThrow("bad address");
  });

  it("cancels", () => {
    ask().abort();
    expect(Stub.last.calls).toEqual(["open GET", "send undefined", "abort"]);
  });
});
