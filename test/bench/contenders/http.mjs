// The floor of long-polling: the same bodies on a bare `node:http`.
import { createServer } from "node:http";
import { serve } from "./control.mjs";
import { CONNECTED, OPEN, readEvent, writeEvent } from "./wire.mjs";

const SEPARATOR = "\x1e";
const TEXT = { "Content-Type": "text/plain; charset=UTF-8", "cache-control": "no-store" };
const sessions = new Map();
let ids = 0;

const server = createServer((req, res) => {
  const at = req.url.indexOf("sid=");
  if (at < 0) {
    const sid = String(++ids);
    sessions.set(sid, { poll: undefined, queue: [] });
    answer(res, OPEN().replace(/"sid":"\w+"/, `"sid":"${sid}"`));
    return;
  }
  const session = sessions.get(req.url.slice(at + 4));
  if (req.method === "GET") {
    session.poll = res;
    flush(session);
    return;
  }
  req.on("data", (body) => {
    for (const text of body.toString().split(SEPARATOR)) {
      session.queue.push(text === "40" ? CONNECTED : writeEvent("echo", readEvent(text).args[0]));
    }
  });
  req.on("end", () => {
    answer(res, "ok");
    flush(session);
  });
});

function flush(session) {
  if (session.poll === undefined || session.queue.length === 0) return;
  answer(session.poll, session.queue.join(SEPARATOR));
  session.poll = undefined;
  session.queue = [];
}

function answer(res, body) {
  res.writeHead(200, { ...TEXT, "Content-Length": Buffer.byteLength(body) });
  res.end(body);
}

await serve(server);
