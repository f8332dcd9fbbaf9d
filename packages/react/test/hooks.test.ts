// biome-ignore-all lint/correctness/noComponentHookFactories: components of a test are its own
// The hooks in both Reacts, in StrictMode, with a real server.
import { PassThrough } from "node:stream";
import { io } from "@sockeye/client";
import { calls, isCallError, streams } from "@sockeye/contract/client";
import { rooms } from "@sockeye/rooms/client";
import type { ReactNode } from "react";
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { loadReacts } from "../../../test/react/tools.js";
import { CuttingProxy } from "../../../test/resume/cutting-proxy.js";
import { chat, type Site, startSite } from "./site.js";

vi.setConfig({ testTimeout: 30_000 });
const SOON = { timeout: 15_000, interval: 5 };
const reacts = loadReacts();

it.skipIf(reacts.length === 0)("there are two Reacts", () => {
  expect(reacts.map(({ version }) => version.split(".")[0])).toEqual(["18", "19"]);
});

describe.each(reacts)("React $version", ({ react, dom, server }) => {
  const { createElement: h, StrictMode, Suspense, useEffect, useState } = react;
  let createHooks: typeof import("@sockeye/react").createHooks;
  let site: Site;
  /** What React complains of. */
  let complaints: unknown[][];

  beforeAll(async () => {
    vi.resetModules();
    vi.doMock("react", () => ({ ...react, default: react }));
    ({ createHooks } = await import("@sockeye/react"));
  });
  beforeEach(async () => {
    complaints = [];
    vi.spyOn(console, "error").mockImplementation((...args) => void complaints.push(args));
    site = await startSite();
  });
  afterEach(async () => {
    await site.end();
    vi.restoreAllMocks();
    expect(complaints).toEqual([]);
  });

  const makeHooks = () =>
    createHooks(io, {
      contract: chat,
      extend: [calls, streams, rooms],
      transports: ["websocket"],
      reconnectionDelay: 10,
    });

  /** Renders in StrictMode. */
  function mount(first: ReactNode) {
    const element = document.createElement("div");
    const root = dom.createRoot(element);
    const render = (node: ReactNode) => root.render(h(StrictMode, null, node));
    onTestFinished(() => root.unmount());
    render(first);
    return { render, unmount: () => root.unmount(), text: () => element.textContent, element };
  }
  const connected = (...names: string[]) => expect.poll(() => site.names(), SOON).toEqual(names);

  it("connects once while it is mounted, and shows the status", async () => {
    const { SocketProvider, useConnection } = makeHooks();
    const seen: string[] = [];
    const Sign = () => {
      const { status, socket } = useConnection();
      seen.push(`${status} ${socket !== undefined}`);
      return status;
    };
    let connections = 0;
    site.io.on("connection", () => void connections++);
    const proxy = await CuttingProxy.start(Number(new URL(site.url).port));
    onTestFinished(() => proxy.stop());
    const page = mount(h(SocketProvider, { url: proxy.url, auth: { name: "ann" } }, h(Sign)));
    await expect.poll(page.text, SOON).toBe("connected");
    expect(seen[0]).toBe("connecting false");
    proxy.down = true;
    proxy.cut();
    await expect.poll(page.text, SOON).toBe("suspended");
    proxy.down = false;
    await expect.poll(page.text, SOON).toBe("connected");
    expect(connections).toBe(1);
    page.unmount();
    await connected();
  });

  it("says why it is refused, and until when", async () => {
    const { SocketProvider, useConnection } = makeHooks();
    const Sign = () => {
      const { status, error } = useConnection();
      return `${status}: ${error?.message}`;
    };
    const page = mount(h(SocketProvider, { url: site.url, auth: { name: "mallory" } }, h(Sign)));
    await expect.poll(page.text, SOON).toBe("offline: go away");
    page.render(h(SocketProvider, { url: site.url, auth: { name: "ann" } }, h(Sign)));
    await expect.poll(page.text, SOON).toBe("connected: undefined");
  });

  it("loses and doubles no event, calls the latest handler, and emits from the first effect on", async () => {
    const { SocketProvider, useEvent, useEmit } = makeHooks();
    const heard: string[] = [];
    const Ear = ({ tag }: { readonly tag: string }) => {
      const emit = useEmit();
      useEvent("said", (text) => void heard.push(`${tag} ${text}`));
      useEffect(() => {
        emit("say", tag);
      }, [emit, tag]);
      return null;
    };
    const tree = (tag: string) =>
      h(SocketProvider, { url: site.url, auth: { name: "ann" } }, h(Ear, { tag }));
    const page = mount(tree("one"));
    await connected("ann");
    // StrictMode runs the first effect twice.
    await expect.poll(() => site.log, SOON).toEqual(["say one", "say one"]);
    site.io.emit("said", "1");
    await expect.poll(() => heard, SOON).toEqual(["one 1"]);
    page.render(tree("two"));
    await expect.poll(() => site.log.at(-1), SOON).toBe("say two");
    site.io.emit("said", "2");
    await expect.poll(() => heard, SOON).toEqual(["one 1", "two 2"]);
  });

  it("1,000 events in a frame are all heard, in order, in few renderings", async () => {
    const { SocketProvider, useEvent } = makeHooks();
    let renderings = 0;
    const List = () => {
      renderings++;
      const [all, setAll] = useState<readonly number[]>([]);
      useEvent("moved", (n) => setAll((before) => [...before, n]));
      return all.join();
    };
    const page = mount(h(SocketProvider, { url: site.url }, h(List)));
    await connected("undefined");
    const before = renderings;
    const all = Array.from({ length: 1000 }, (_, n) => n);
    for (const n of all) site.io.emit("moved", n);
    await expect.poll(page.text, SOON).toBe(all.join());
    // StrictMode renders twice. The kernel may bring a burst in several pieces.
    expect(renderings - before).toBeLessThan(100);
  });

  it("renders on a server without connecting, as text and as a stream, and hydrates what came", async () => {
    let isReady = false;
    const ready = new Promise<void>((resolve) =>
      setTimeout(() => {
        isReady = true;
        resolve();
      }, 1),
    );
    // Anew for each renderer, as a server and a page load it for themselves.
    const tree = () => {
      const { SocketProvider, useConnection, useStream, useRoom, usePresence, useEvent } = makeHooks();
      const Sign = () => {
        const { status } = useConnection();
        const { items } = useStream("count", 3);
        const { joined } = useRoom("doc:1");
        const there = usePresence("doc:1", (members) => members.map(({ key }) => key));
        useEvent("said", () => {});
        return h("p", null, `${status} ${items} ${joined} ${there}`);
      };
      const Late = () => {
        if (!isReady) throw ready;
        return h(Sign);
      };
      return h(
        StrictMode,
        null,
        h(
          SocketProvider,
          { url: site.url, auth: { name: "ann" } },
          h(Sign),
          h(Suspense, { fallback: "wait" }, h(Late)),
        ),
      );
    };
    const dialled = vi.fn();
    site.http.on("connection", dialled);
    const out = new PassThrough();
    const pipe = server.renderToPipeableStream(tree(), { onAllReady: () => void pipe.pipe(out) });
    let streamed = "";
    for await (const chunk of out) streamed += String(chunk);
    expect(streamed.match(/connecting {2}false /g)).toHaveLength(2);
    const html = server.renderToString(tree());
    expect(html.match(/connecting {2}false /g)).toHaveLength(2);
    expect(dialled).not.toHaveBeenCalled();

    const element = document.createElement("div");
    element.innerHTML = html;
    const hydrated = element.querySelector("p");
    const mended: unknown[] = [];
    const root = dom.hydrateRoot(element, tree(), { onRecoverableError: (error) => mended.push(error) });
    onTestFinished(() => root.unmount());
    await expect
      .poll(() => [...element.querySelectorAll("p")].map((p) => p.textContent), SOON)
      .toEqual(["connected 1,2,3 true ", "connected 1,2,3 true "]);
    expect(element.querySelector("p")).toBe(hydrated);
    expect(mended).toEqual([]);
    await connected("ann");
  });

  it("two sockets side by side, one inside of the other", async () => {
    const [one, other] = [makeHooks(), createHooks<{ news(text: string): void }>(io)];
    const heard: string[] = [];
    const Both = () => {
      one.useEvent("said", (text) => void heard.push(`chat ${text}`));
      other.useEvent("news", (text) => void heard.push(`news ${text}`));
      return `${one.useConnection().status} ${other.useConnection().status}`;
    };
    site.io.of("/news").on("connection", (socket) => socket.emit("news", "first"));
    const inner = h(other.SocketProvider, { url: `${site.url}/news` }, h(Both));
    const page = mount(h(one.SocketProvider, { url: site.url }, inner));
    await expect.poll(page.text, SOON).toBe("connected connected");
    site.io.emit("said", "hello");
    await expect.poll(() => [...heard].sort(), SOON).toEqual(["chat hello", "news first"]);
  });

  it("another URL or auth is another connection; the same said anew is not, and functions are asked anew", async () => {
    const { SocketProvider, useEvent } = makeHooks();
    const heard: string[] = [];
    const Ear = () => {
      useEvent("said", (text) => void heard.push(text));
      return null;
    };
    let connections = 0;
    site.io.on("connection", () => void connections++);
    const second = await startSite();
    onTestFinished(async () => void (await second.end()));
    const tree = (url: string, auth: object) =>
      h(SocketProvider, { url, auth: auth as { name: string } }, h(Ear));
    const page = mount(tree(site.url, { name: "ann" }));
    await connected("ann");
    page.render(tree(site.url, { name: "ann" }));
    page.render(tree(site.url, { name: "bob" }));
    await connected("bob");
    expect(connections).toBe(2);
    site.io.emit("said", "to bob");
    await expect.poll(() => heard, SOON).toEqual(["to bob"]);
    page.render(tree(second.url, { name: "bob" }));
    await connected();
    await expect.poll(() => second.names(), SOON).toEqual(["bob"]);
    second.io.emit("said", "elsewhere");
    await expect.poll(() => heard, SOON).toEqual(["to bob", "elsewhere"]);

    const asking = (name: string) => tree(site.url, (tell: (data: object) => void) => tell({ name }));
    page.render(asking("eve"));
    await connected("eve");
    page.render(asking("eva"));
    for (const socket of site.io.of("/").sockets.values()) socket.conn.close();
    await connected("eva");
    expect(connections).toBe(4);
  });

  it("what is loaded anew takes over: one connection, each event once, the room's history again", async () => {
    const heard: string[] = [];
    const load = (version: number) => {
      const { SocketProvider, useRoom } = makeHooks();
      const Doc = () => {
        const handlers = { said: (text: string) => void heard.push(`${version} ${text}`) };
        return `${version} ${useRoom("doc:1", handlers, { since: "last:10" }).joined}`;
      };
      return {
        provider: (key: number) =>
          h(SocketProvider, { url: site.url, auth: { name: "ann" } }, h(Doc, { key })),
      };
    };
    site.io.to("doc:1").emit("said", "early");
    const [one, two] = [load(1), load(2)];
    const page = mount(one.provider(1));
    await expect.poll(() => heard, SOON).toEqual(["1 early"]);
    // The component alone: its state is new, so it wants what is in the room.
    page.render(one.provider(2));
    await expect.poll(() => heard, SOON).toEqual(["1 early", "1 early"]);
    page.render(two.provider(1));
    await expect.poll(page.text, SOON).toBe("2 true");
    await connected("ann");
    site.io.to("doc:1").emit("said", "late");
    await expect.poll(() => heard, SOON).toEqual(["1 early", "1 early", "2 early", "2 late"]);
  });

  it("calls: pending, the answer, the refusal; the latest counts", async () => {
    const { SocketProvider, useCall } = makeHooks();
    const seen: string[] = [];
    let rename: ReturnType<typeof useCall<"rename">>["call"] = () => Promise.reject(new Error("not yet"));
    const Form = () => {
      const { call, pending, answer, error } = useCall("rename");
      rename = call;
      const suggested = isCallError(error, "TAKEN") ? JSON.stringify(error.data) : error;
      const line = `${pending} ${answer} ${suggested}`;
      if (seen.at(-1) !== line) seen.push(line);
      return line;
    };
    const page = mount(h(SocketProvider, { url: site.url }, h(Form)));
    await expect.poll(page.text, SOON).toBe("false undefined undefined");
    expect(await rename("bob")).toBe(3);
    await expect.poll(page.text, SOON).toBe("false 3 undefined");
    // Nobody catches it, and nobody has to.
    void rename("ann");
    await expect.poll(page.text, SOON).toBe('false 3 {"suggest":"anne"}');
    const [first, second] = [rename("ann").catch(() => "refused"), rename("carol")];
    expect(await Promise.all([first, second])).toEqual(["refused", 5]);
    await expect.poll(page.text, SOON).toBe("false 5 undefined");
    expect(seen).toContain("true undefined undefined");
  });

  it("streams: begun once, in few renderings; cancelled, begun again, left", async () => {
    const { SocketProvider, useStream } = makeHooks();
    let renderings = 0;
    let latest: ReturnType<typeof useStream<"count">> | undefined;
    const Count = ({ to, skip }: { readonly to: number; readonly skip?: boolean }) => {
      renderings++;
      latest = useStream("count", to, { skip });
      const { items, status, end } = latest;
      return `${status} ${items.length} ${items.every((item, at) => item === at + 1)} ${end}`;
    };
    const tree = (props: { readonly to: number; readonly skip?: boolean }) =>
      h(SocketProvider, { url: site.url }, h(Count, props));
    const page = mount(tree({ to: 1000, skip: true }));
    await connected("undefined");
    expect(page.text()).toBe("idle 0 true undefined");
    expect(site.log).toEqual([]);
    const before = renderings;
    page.render(tree({ to: 1000 }));
    await expect.poll(page.text, SOON).toBe("done 1000 true counted 1000");
    expect(renderings - before).toBeLessThan(250);
    expect(site.log.filter((line) => line.startsWith("count"))).toEqual(["count 1000"]);

    site.log.length = 0;
    page.render(tree({ to: 1001 }));
    await expect.poll(page.text, SOON).toBe("streaming 1001 true undefined");
    latest?.cancel();
    await expect.poll(page.text, SOON).toBe("cancelled 1001 true undefined");
    latest?.restart();
    await expect.poll(page.text, SOON).toBe("streaming 1001 true undefined");
    await expect.poll(() => site.log, SOON).toEqual(["count 1001", "stopped", "count 1001"]);
    page.render(h(SocketProvider, { url: site.url }));
    await expect.poll(() => site.log.at(-1), SOON).toBe("stopped");
    await connected("undefined");
  });

  it("rooms: joined together, left with the last, refused, none", async () => {
    const { SocketProvider, useRoom } = makeHooks();
    const heard: string[] = [];
    const Doc = ({ name, tag }: { readonly name: string | undefined; readonly tag: string }) => {
      const hear = (text: string) => void heard.push(`${tag} ${text}`);
      const { room, joined, complete, error } = useRoom(name, { said: hear }, { since: "last:10" });
      useEffect(() => {
        if (joined && tag === "a") void room?.publish("said", ["published"]);
      }, [joined, room, tag]);
      return ` ${tag} ${joined} ${complete} ${(error as { code?: string } | undefined)?.code}`;
    };
    const tree = (...docs: { readonly name: string | undefined; readonly tag: string }[]) =>
      h(SocketProvider, { url: site.url }, ...docs.map((doc) => h(Doc, { ...doc, key: doc.tag })));
    site.io.to("doc:1").emit("said", "early");
    const members = () => site.io.of("/").adapter.rooms.get("doc:1")?.size;
    const page = mount(tree({ name: "doc:1", tag: "a" }, { name: "doc:1", tag: "b" }));
    await expect
      .poll(() => heard.slice(0, 4), SOON)
      .toEqual(["a early", "b early", "a published", "b published"]);
    expect(page.text()).toBe(" a true true undefined b true true undefined");
    page.render(tree({ name: undefined, tag: "a" }, { name: "doc:1", tag: "b" }));
    await expect.poll(page.text, SOON).toBe(" a false undefined undefined b true true undefined");
    expect(members()).toBe(1);
    page.render(tree({ name: "doc:secret", tag: "a" }));
    await expect.poll(page.text, SOON).toBe(" a false undefined ERR_ROOM_FORBIDDEN");
    await expect.poll(members, SOON).toBe(undefined);
  });

  it("presence: shown while mounted, changed without leaving, rendered only if what was selected has changed", async () => {
    const { SocketProvider, useRoom, usePresence } = makeHooks();
    const other = io(site.url, { extend: [rooms], auth: { name: "zoe" }, forceNew: true });
    onTestFinished(() => void other.disconnect());
    const changes: string[] = [];
    other.room("doc:1").presence.on("change", ({ joined, updated, left }) => {
      for (const { key, value } of joined) changes.push(`joined ${key} ${JSON.stringify(value)}`);
      for (const { key, value } of updated) changes.push(`updated ${key} ${JSON.stringify(value)}`);
      for (const key of left) changes.push(`left ${key}`);
    });
    await other.room("doc:1").join();
    await other.room("doc:1").presence.set({ at: 0 });
    await expect.poll(() => changes.splice(0), SOON).toEqual(['joined zoe {"at":0}']);

    let renderings = 0;
    const Names = () => {
      renderings++;
      return usePresence("doc:1", (members) => members.map(({ key }) => key)).join();
    };
    const Me = ({ at }: { readonly at: number | undefined }) => {
      useRoom("doc:1", {}, { presence: at === undefined ? undefined : { at } });
      return null;
    };
    const tree = (at: number | undefined) =>
      h(SocketProvider, { url: site.url, auth: { name: "ann" } }, h(Me, { at }), h(Names));
    const page = mount(tree(1));
    await expect.poll(page.text, SOON).toBe("ann,zoe");
    page.render(tree(2));
    await expect.poll(() => changes, SOON).toEqual(['joined ann {"at":1}', 'updated ann {"at":2}']);
    const before = renderings;
    await other.room("doc:1").presence.set({ at: 9 });
    await expect.poll(() => changes.at(-1), SOON).toBe('updated zoe {"at":9}');
    page.render(tree(undefined));
    await expect.poll(page.text, SOON).toBe("zoe");
    // Twice in StrictMode, for the parent, and for those who are there.
    expect(renderings - before).toBeLessThanOrEqual(4);
    expect(changes.at(-1)).toBe("left ann");
  });

  it("a hook without its provider says so", async () => {
    const { useConnection } = makeHooks();
    const Sign = () => useConnection().status;
    expect(() => server.renderToString(h(Sign))).toThrow(
      expect.objectContaining({ code: "ERR_NO_PROVIDER" }),
    );
    complaints = [];
  });
});
