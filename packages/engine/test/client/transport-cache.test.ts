import { manualClock } from "@sockeye/conformance";
import { afterEach, describe, expect, it, vi } from "vitest";
import { TransportCache } from "../../src/client/transport-cache.js";

const KEY = "sockeye:http://server/socket.io/";

function memory(clock = manualClock()): TransportCache {
  return new TransportCache("http://server/socket.io/", clock);
}

/** A page whose storage is this. */
function page(storage: object): void {
  vi.stubGlobal("document", {});
  vi.stubGlobal("localStorage", storage);
}

function place(content: Record<string, string> = {}) {
  return {
    content,
    getItem: (key: string) => content[key] ?? null,
    setItem: (key: string, value: string) => {
      content[key] = value;
    },
    removeItem: (key: string) => {
      delete content[key];
    },
  };
}

const refuse = (): never => {
  throw new DOMException("no", "SecurityError");
};

afterEach(() => {
  vi.unstubAllGlobals();
  memory().forget();
});

describe("memory", () => {
  it("is the process's where there is no page", () => {
    vi.stubGlobal("localStorage", { getItem: refuse });
    memory().learn({ transport: "polling", ms: 12.34 });
    expect(memory().recall()).toEqual({ transport: "polling", ms: 12 });
    expect(new TransportCache("http://other/", manualClock()).recall()).toBeUndefined();
    memory().forget();
    expect(memory().recall()).toBeUndefined();
  });

  it("is small, in the storage of a page, and nowhere else then", () => {
    const storage = place();
    page(storage);
    memory().learn({ transport: "websocket", ms: 80 });
    expect(storage.content).toEqual({ [KEY]: '{"transport":"websocket","ms":80,"until":1000001800000}' });
    delete storage.content[KEY];
    expect(memory().recall()).toBeUndefined();
  });

  it("is the process's where the page's storage is forbidden, or full", () => {
    for (const storage of [
      { ...place(), setItem: refuse },
      { getItem: refuse, setItem: refuse, removeItem: refuse },
    ]) {
      page(storage);
      memory().learn({ transport: "polling", ms: 5 });
      expect(memory().recall()).toEqual({ transport: "polling", ms: 5 });
      memory().forget();
      expect(memory().recall()).toBeUndefined();
    }
  });

  it.each([
    ["", '""', "null", "0", "[]", "{", "{}", "true"],
    ['{"transport":1,"ms":1,"until":1000000000001}'],
    ['{"transport":"polling","ms":"1","until":1000000000001}'],
    ['{"transport":"polling","until":1000000000001}'],
    ['{"transport":"polling","ms":1}', '{"transport":"polling","ms":1,"until":null}'],
  ])("knows nothing from %s, ...", (...texts) => {
    for (const text of texts) {
      page(place({ [KEY]: text }));
      expect(memory().recall(), text).toBeUndefined();
    }
  });

  it("has an end, also if the clock is set back", () => {
    const clock = manualClock();
    const it = memory(clock);
    it.learn({ transport: "polling", ms: 5 });
    clock.jump(1_799_999);
    expect(it.recall()).toBeDefined();
    clock.jump(1);
    expect(it.recall()).toBeUndefined();
    clock.jump(-1_800_001);
    expect(it.recall()).toBeUndefined();
  });
});
