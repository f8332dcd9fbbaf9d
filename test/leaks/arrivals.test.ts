import "../support/follow-fakes.js";
// What does not come so far as to be a session that is in, or changes its transport, leaves nothing either.
import { webTransportPair } from "@sockeye/conformance";
import { rateLimit, Server } from "@sockeye/server";
import { describe, expect, it } from "vitest";
import { WebSocket } from "ws";
import { Connection } from "../../packages/server/src/connection.js";
import { TokenBuckets } from "../../packages/server/src/rate-store.js";
import { Session } from "../../packages/session/src/session.js";
import { itHolds } from "./heap.js";
import { turn, until } from "./real-time.js";
import { atEnd, type Counted, expectNothingLeft, pass, ready, serve, VISITORS } from "./scene.js";
import { KINDS, type Visitor } from "./visitors.js";

describe.each(Object.entries(KINDS))("over %s nothing is left", (name, kind) => {
  it.each([0, 1, 2, 3, 5])("of clients that dial and hang up %i turns later", async (turns) => {
    const place = await serve({
      pingInterval: 5000,
      pingTimeout: 4000,
      upgradeTimeout: 5000,
      ...kind.options,
    });
    const hangUps = Array.from({ length: VISITORS }, () => kind.dial(place));
    for (let n = 0; n < turns; n++) await turn();
    for (const hangUp of hangUps) hangUp();
    // Some had their OPEN already, and then went between two polls.
    await pass(49_000);
    await expectNothingLeft(place);
  });

  it("of clients beyond the limit of their address, and the others may come again", async () => {
    const place = await serve(kind.options);
    for (let round = 0; round < 2; round++) {
      const visitors = await Promise.all(Array.from({ length: VISITORS }, () => kind.visit(place)));
      const tooMany = Array.from({ length: VISITORS }, () => kind.dial(place));
      const refusals = (): number => place.io.metrics().limitsExceeded["maxSessionsPerAddress"] ?? 0;
      await until(() => refusals() === (round + 1) * VISITORS, "refusals");
      expect(place.io.engine.clientsCount).toBe(VISITORS);
      for (const hangUp of tooMany) hangUp();
      await ready(place);
      for (const visitor of visitors) visitor.cut();
      await expectNothingLeft(place);
    }
  });

  it("of clients that allowRequest refuses", async () => {
    const refusals: unknown[] = [];
    const place = await serve({ ...kind.options, allowRequest: (_req, decide) => decide("no", false) });
    place.io.engine.on("connection_error", (refused) => refusals.push(refused));
    const hangUps = Array.from({ length: VISITORS }, () => kind.dial(place));
    await until(() => refusals.length === VISITORS, `refusals over ${name}`);
    for (const hangUp of hangUps) hangUp();
    await expectNothingLeft(place);
  });
});

/** A session over polling, and the candidate that is to take over. */
async function upgrading(place: Counted): Promise<{ polls: Visitor; candidate: WebSocket; heard: string[] }> {
  const polls = await KINDS["polling"]?.visit(place);
  if (polls === undefined) throw new Error("no polling");
  polls.send("40");
  await until(() => polls.heard.includes("40{"), "the answer to CONNECT");
  const sid = /"sid":"([^"]+)"/.exec(polls.heard)?.[1] ?? "";
  const url = `ws://127.0.0.1:${place.port}/socket.io/?EIO=4&transport=websocket&sid=${sid}`;
  const candidate = new WebSocket(url, { perMessageDeflate: false });
  const heard: string[] = [];
  candidate.on("message", (data) => heard.push(String(data)));
  candidate.on("error", () => {});
  atEnd(() => {
    candidate.terminate();
    polls.cut();
  });
  await until(() => candidate.readyState === WebSocket.OPEN, "the candidate");
  return { polls, candidate, heard };
}

describe("of an upgrade nothing is left", () => {
  const UPGRADE_MS = 5000;
  const probe = async (candidate: WebSocket, heard: readonly string[]): Promise<void> => {
    candidate.send("2probe");
    await until(() => heard.includes("3probe"), "the answer to the probe");
  };

  it("that is done, once its client goes", async () => {
    const place = await serve();
    const { candidate, heard } = await upgrading(place);
    await probe(candidate, heard);
    candidate.send("5");
    await until(() => place.io.metrics().sessionsUpgraded === 1, "the upgrade");
    candidate.terminate();
    await expectNothingLeft(place);
  });

  it.each([
    ["that says nothing", false],
    ["that says nothing after its probe", true],
  ])("%s, but for its session", async (_what, probes) => {
    const place = await serve({ upgradeTimeout: UPGRADE_MS });
    const { polls, candidate, heard } = await upgrading(place);
    if (probes) await probe(candidate, heard);
    await pass(UPGRADE_MS + 1000);
    await until(() => candidate.readyState === WebSocket.CLOSED, "the end of the candidate");
    expect(place.io.metrics().sessions).toEqual({ polling: 1 });
    await ready(place);
    polls.cut();
    await expectNothingLeft(place);
  });

  it.each([
    ["whose candidate breaks off", "candidate"],
    ["whose client goes", "both"],
    ["whose session the server ends", "server"],
  ])("%s", async (_what, who) => {
    const place = await serve();
    const { polls, candidate, heard } = await upgrading(place);
    await probe(candidate, heard);
    if (who === "server") place.io.disconnectSockets(true);
    else candidate.terminate();
    if (who === "candidate") await pass(1000);
    if (who !== "server") await ready(place);
    if (who !== "server") polls.cut();
    await expectNothingLeft(place);
  });
});

describe("nothing is left", () => {
  const visit = async (place: Counted): Promise<Visitor> => {
    const visitor = (await KINDS["websocket"]?.visit(place)) as Visitor;
    atEnd(() => visitor.cut());
    visitor.send("40");
    await until(() => visitor.heard.includes("40{"), "the answer to CONNECT");
    return visitor;
  };

  it("of a WebTransport session that ends before its first packet", async () => {
    const place = await serve();
    const { client, server } = webTransportPair();
    place.io.engine.onWebTransportSession(server);
    await turn();
    expect(place.census.count(place.io).timers).toBe(1);
    client.close();
    await expectNothingLeft(place);
  });

  it("of a broadcast that nobody acknowledges, once its time is over", async () => {
    const place = await serve();
    const visitors = [await visit(place), await visit(place)];
    const failure = place.io
      .timeout(5000)
      .emitWithAck("question")
      .catch((error) => error.code);
    for (const visitor of visitors) visitor.cut();
    await until(() => place.io.engine.clientsCount === 0, "the end of the sessions");
    await pass(5000);
    expect(await failure).toBe("ERR_ACK_TIMEOUT");
    await expectNothingLeft(place);
  });

  it("of a session that was recovered, once its client goes again and the time is over", async () => {
    const place = await serve({ connectionStateRecovery: { maxDisconnectionDuration: 60_000 } });
    const recovered: boolean[] = [];
    place.io.on("connection", (socket) => recovered.push(socket.recovered));
    const first = await visit(place);
    place.io.emit("kept", 1);
    await until(() => first.heard.includes("kept"), "the event");
    const pid = /"pid":"([^"]+)"/.exec(first.heard)?.[1];
    const offset = /\["kept",1,"([^"]+)"\]/.exec(first.heard)?.[1];
    first.cut();
    await until(() => place.io.engine.clientsCount === 0, "the end of the session");
    const second = (await KINDS["websocket"]?.visit(place)) as Visitor;
    atEnd(() => second.cut());
    second.send(`40${JSON.stringify({ pid, offset })}`);
    await until(() => recovered.length === 2, "the recovery");
    expect(recovered).toEqual([false, true]);
    second.cut();
    await until(() => place.io.engine.clientsCount === 0, "the end of the session");
    await pass(121_000);
    await expectNothingLeft(place);
  });

  it("of clients that come and go, but for the buckets of their address, which they find again", async () => {
    const place = await serve();
    const store = new TokenBuckets({ points: 100, perMs: 1000 }, { now: () => performance.now() });
    place.io.use(rateLimit({ store }));
    const events: unknown[] = [];
    place.io.on("connection", (socket) => socket.onAny((event) => events.push(event)));
    for (let round = 1; round <= 5; round++) {
      const visitors = [await visit(place), await visit(place)];
      for (const visitor of visitors) visitor.send('42["event"]');
      await until(() => events.length === 2 * round, "the events");
      for (const visitor of visitors) visitor.cut();
      await expectNothingLeft(place);
      expect(store.size).toBeLessThanOrEqual(2);
    }
  });
});

describe("after all that, memory holds", () => {
  itHolds({ Server, Connection, Session });
});
