// A client's connection, joined to the main namespace, for each transport. All have the same shape: `send` takes the text of an
// engine packet, `frame` gets one, `lost` is called if the server ends it, `again` if it has to be dialled once more, and `close` takes one of three ways to go:
// 0 just gone, 1 leaving the namespace first, 2 a goodbye of the transport.
import { setTimeout as sleep } from "node:timers/promises";
import { Socket } from "@sockeye/client/engine";
import { EventSource } from "eventsource";
import { clientFrame } from "../bench/load/frames.mjs";
import { HttpClient } from "../bench/load/http-client.mjs";
import { openPollingSession } from "../bench/load/polling-session.mjs";
import { openSocket } from "../bench/load/websocket-client.mjs";

const LEAVE = "41";
const GOODBYE = "1";
const CLOSE_FRAME = Buffer.from([0x88, 0x80, 0, 0, 0, 0]);
const MOST_TRIES = 10;
const RETRY_MS = 500;
const SEPARATOR = "\x1e";

// Node.js has none of its own.
globalThis.EventSource = EventSource;

const FETCHER = Symbol.for("undici.globalDispatcher.1");

/** `fetch`, which reads server-sent events, dials anew when it is aborted, and keeps connections that have no request. */
export async function dropSpareConnections() {
  const agent = globalThis[FETCHER];
  if (agent === undefined) return;
  globalThis[FETCHER] = new agent.constructor();
  await agent.destroy();
}

/** Few texts are sent, again and again. */
const frames = new Map();

function frameOf(text) {
  let frame = frames.get(text);
  if (frame === undefined) {
    frame = clientFrame(text);
    frames.set(text, frame);
  }
  return frame;
}

function ignore() {}

export async function openWebSocketLink(port, { frame, lost }) {
  const client = await openSocket(port);
  return {
    listen() {
      client.onFrame = (_client, data, start, end) => frame(data.latin1Slice(start, end));
      client.onEnd = () => lost("end of the WebSocket");
    },
    send: (text) => client.write(frameOf(text)),
    close(how) {
      client.onFrame = ignore;
      client.onEnd = ignore;
      if (how === 0) client.close();
      else client.socket.end(how === 1 ? frameOf(LEAVE) : CLOSE_FRAME);
    },
  };
}

export async function openPollingLink(port, { frame }) {
  const { http, path } = await openPollingSession(port);
  const posts = new HttpClient(port);
  let open = true;
  let posting = false;
  let queue = [];

  const poll = () =>
    http.send(http.request("GET", path), (body) => {
      for (const text of open ? body.split(SEPARATOR) : []) frame(text);
      if (open) poll();
    });
  const post = () => {
    if (!open && queue.length === 0) {
      http.close();
      posts.close();
    }
    posting = queue.length > 0;
    if (!posting) return;
    posts.send(posts.request("POST", path, queue.join(SEPARATOR)), post);
    queue = [];
  };
  return {
    listen: poll,
    send(text) {
      queue.push(text);
      if (!posting) post();
    },
    // Never without a goodbye: whoever goes between two polls is only missed by the heartbeat.
    close(how) {
      open = false;
      queue = [how === 1 ? LEAVE + SEPARATOR + GOODBYE : GOODBYE];
      if (!posting) post();
    },
  };
}

/**
 * `stream` and `sse`, over the client's engine. A server that is busy answers late and all at once, which looks like a path that
 * buffers: the client dials again then, as a manager would.
 */
export async function openHttpLink(port, options) {
  for (let tries = 1; ; tries++) {
    try {
      return await openHttpOnce(port, options);
    } catch (error) {
      if (tries === MOST_TRIES) throw error;
      options.again(error.message);
      await sleep(RETRY_MS);
    }
  }
}

function openHttpOnce(port, { kind, frame, lost }) {
  const engine = new Socket(`http://127.0.0.1:${port}`, {
    path: "/socket.io",
    transports: [kind],
  });
  let leaving = false;
  const link = {
    listen() {
      engine.off("message");
      engine.on("message", (text) => frame(`4${text}`));
    },
    send: (text) => engine.send(text.slice(1)),
    close(how) {
      leaving = true;
      engine.off("message");
      if (how === 1) engine.send(LEAVE.slice(1));
      engine.close();
    },
  };
  return new Promise((resolve, reject) => {
    let told = (why) => reject(new Error(why));
    engine.on("open", () => engine.send("0"));
    engine.on("message", (text) => {
      told = lost;
      if (text.startsWith("0{")) resolve(link);
      else reject(new Error(text));
    });
    engine.on("close", (reason, cause) => {
      if (!leaving) told(`${reason}, ${cause?.message} ${cause?.description}`);
    });
  });
}
