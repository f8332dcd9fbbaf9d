import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Server } from "@sockeye/server";
import express from "express";
import { describe, expect, it } from "vitest";
import { until } from "../../../test/support/wait.js";
import { atEnd, dial, join, roundTrip, serve, standing } from "./site.js";

/** The samples of a metrics page by name and labels. */
function samples(text: string): Map<string, number> {
  const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
  return new Map(lines.map((line) => [line.slice(0, line.lastIndexOf(" ")), Number(line.split(" ").at(-1))]));
}

describe("a metrics page", () => {
  it("on Express leaves all other routes alone, also where it comes first and last", async () => {
    const app = express();
    const http = createServer(app);
    const io = new Server(http);
    app.get("/metrics", io.metricsHandler());
    app.get("/other", (_req, res) => void res.send("other"));
    const { url } = await standing(io, http);
    for (const query of ["", "?x=1"]) {
      const response = await fetch(`${url}/metrics${query}`);
      expect(response.status).toBe(200);
      expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
      expect(samples(await response.text()).get("sockeye_sockets")).toBe(0);
    }
    expect(await (await fetch(`${url}/other`)).text()).toBe("other");
    expect((await fetch(`${url}/none`)).status).toBe(404);
  });

  it("on bare http", async () => {
    const io = new Server();
    const metrics = io.metricsHandler();
    const http = createServer((req, res) => {
      if (req.url?.split("?")[0] === "/metrics") metrics(req, res);
      else res.writeHead(404).end();
    });
    io.attach(http);
    const { url } = await standing(io, http);
    expect(samples(await (await fetch(`${url}/metrics?x`)).text()).get("sockeye_namespaces")).toBe(1);
    expect((await fetch(`${url}/metrics`, { method: "HEAD" })).status).toBe(200);
    expect((await fetch(`${url}/none`)).status).toBe(404);
  });

  it("on Fastify", async () => {
    const { fastify } = await import("fastify");
    const app = fastify();
    const io = new Server(app.server);
    app.get("/metrics", io.metricsHandler());
    await app.listen({ port: 0, host: "127.0.0.1" });
    atEnd(() => app.close());
    const { port } = app.server.address() as AddressInfo;
    const response = await fetch(`http://127.0.0.1:${port}/metrics`);
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
    expect(samples(await response.text()).get("sockeye_sessions_opened_total")).toBe(0);
    expect((await fetch(`http://127.0.0.1:${port}/none`)).status).toBe(404);
  });

  it("that somebody has answered already is left as it is", () => {
    const metrics = new Server().metricsHandler();
    const forbidden = (): never => {
      throw new Error("answered twice");
    };
    metrics({}, { headersSent: true, writeHead: forbidden, end: forbidden });
    metrics({}, { sent: true, header: forbidden, send: forbidden });
  });

  it("for any other framework is a value", () => {
    const { status, headers, body } = new Server().metricsHandler()();
    expect({ status, headers }).toEqual({
      status: 200,
      headers: { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" },
    });
    expect(samples(body).get("sockeye_errors_total")).toBe(0);
  });

  it("has the delay of the event loop if asked", () => {
    const io = new Server();
    const name = 'sockeye_event_loop_delay_seconds{quantile="0.99"}';
    expect(samples(io.metricsHandler({ eventLoopDelay: true })().body).get(name)).toBe(0);
    expect(io.metricsHandler()().body).not.toContain("event_loop");
  });
});

it.each([
  'sockeye_sessions{transport="polling"}',
  'sockeye_sessions{transport="websocket"}',
  'sockeye_sessions{transport="webtransport"}',
  'sockeye_sessions_closed_total{reason="ping timeout"}',
  'sockeye_sessions_closed_total{reason="limit exceeded"}',
  'sockeye_sockets_disconnected_total{reason="client namespace disconnect"}',
  'sockeye_requests_refused_total{code="FOREIGN_ORIGIN"}',
  'sockeye_requests_refused_total{code="UNKNOWN_SID"}',
  'sockeye_limits_exceeded_total{limit="maxOutboundBytes"}',
  'sockeye_handler_seconds_bucket{le="0.001"}',
  'sockeye_handler_seconds_bucket{le="+Inf"}',
  "sockeye_ack_seconds_count",
  "sockeye_bytes_sent_total",
  "sockeye_waiting_bytes_max",
  "sockeye_slow_clients",
  "sockeye_acks_pending",
])("%s is there from the beginning, and zero", (name) => {
  expect(samples(String(new Server().metrics())).get(name)).toBe(0);
});

describe("what is counted", () => {
  it("refusals by name", async () => {
    const site = await serve();
    await fetch(`${site.url}/socket.io/?EIO=4&transport=none`);
    await fetch(`${site.url}/socket.io/?EIO=4&transport=polling`, { headers: { origin: "http://x" } });
    const seen = samples(String(site.io.metrics()));
    expect(seen.get('sockeye_requests_refused_total{code="UNKNOWN_TRANSPORT"}')).toBe(1);
    expect(seen.get('sockeye_requests_refused_total{code="FOREIGN_ORIGIN"}')).toBe(1);
  });

  it.each(["websocket", "polling"])(
    "bytes both ways by %s, of live and closed connections",
    async (transport) => {
      const site = await serve();
      const { client, socket } = await join(site, "/", { transports: [transport] });
      const payload = "x".repeat(100_000);
      socket.on("up", (_text: string, answer: (text: string) => void) => answer(payload));
      await client.emitWithAck("up", payload.slice(0, 50_000));
      const seen = site.io.metrics();
      expect(seen.bytesReceived).toBeGreaterThan(50_000);
      expect(seen.bytesReceived).toBeLessThan(60_000);
      expect(seen.bytesSent).toBeGreaterThan(transport === "polling" ? 100 : 100_000);
      client.disconnect();
      await until(() => site.io.engine.clientsCount === 0, "the end");
      expect(site.io.metrics().bytesReceived).toBeGreaterThanOrEqual(seen.bytesReceived);
    },
  );

  it("handlers and acknowledgements, once somebody asks", async () => {
    const site = await serve();
    const { client, socket } = await join(site);
    await roundTrip(client, socket);
    expect(site.io.metrics().handlerTime.count).toBe(0);
    await roundTrip(client, socket);
    client.on("ask", (answer: () => void) => answer());
    client.on("silent", () => {});
    await socket.emitWithAck("ask");
    socket.emit("silent", () => {});
    await expect(socket.timeout(1).emitWithAck("silent")).rejects.toThrow();
    const { handlerTime, ackTime, acksPending } = site.io.metrics();
    // The event, and the acknowledgement of the client.
    expect(handlerTime.count).toBe(2);
    expect(handlerTime.buckets.at(-1)).toBe(2);
    expect(ackTime.count).toBe(1);
    expect(ackTime.sum).toBeGreaterThan(0);
    expect(acksPending).toBe(1);
  });

  it("what waits, and for how many", async () => {
    const { io, url } = await serve();
    const client = dial({ url });
    await until(() => io.sockets.sockets.size === 1, "the client");
    io.emit("much", "x".repeat(100_000));
    const { waitingBytes, maxWaitingBytes, slowClients } = io.metrics();
    expect(waitingBytes).toBeGreaterThan(100_000);
    expect(maxWaitingBytes).toBe(waitingBytes);
    expect(slowClients).toBe(1);
    client.disconnect();
  });

  it("a limit as a reason of its own", async () => {
    const site = await serve({ maxHttpBufferSize: 1000 });
    const { client } = await join(site);
    client.emit("much", "x".repeat(5000));
    await until(() => site.io.engine.clientsCount === 0, "the end");
    expect(site.io.metrics().sessionsClosed).toEqual({ "limit exceeded": 1 });
    expect(site.io.metrics().limitsExceeded).toEqual({ maxMessageBytes: 1 });
    client.disconnect();
  });
});
