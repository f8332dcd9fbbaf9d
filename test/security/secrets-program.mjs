// A server and its clients, all of whose secrets are known, go through everything that is refused, that fails and that is logged.
// Run by secrets.test.ts in a process of its own, since DEBUG is read when the module loads. It runs the built packages.
//
// Every secret contains MARK, of which three letters are enough to be recognised. What says `leak:` on standard output are texts
// that an app could log.
import { createServer, request } from "node:http";
import { connect } from "node:net";
import { io as dial } from "@sockeye/client";
import { Server } from "@sockeye/server";
import WebSocket from "ws";

const MARK = "ZQ7ZQ7ZQ7ZQ7ZQ7";
const HEADERS = { cookie: `session=${MARK}`, authorization: `Bearer ${MARK}`, "x-token": MARK };
const QUERY = `token=${MARK}`;

/** Told what an app might print: the texts of an error and of what is under it, not the objects that hang on it. */
function texts(...values) {
  for (let value of values) {
    for (let depth = 0; value !== undefined && value !== null && depth < 8; depth++) {
      console.log(`text: ${value instanceof Error ? value.stack : String(value)}`.replaceAll("\n", " "));
      value = value instanceof Error ? (value.cause ?? value.description) : undefined;
      if (typeof value === "object" && !(value instanceof Error)) break;
    }
  }
}

const secrets = new Set();
const http = createServer((_req, res) => res.writeHead(404).end());
const io = new Server(http, {
  allowEIO3: true,
  cookie: true,
  maxHttpBufferSize: 5000,
  connectTimeout: 500,
  connectionStateRecovery: {},
  limits: { maxRoomsPerSocket: 4, maxPendingAcks: 2, maxJsonDepth: 10 },
  allowRequest: (req, decide) => decide(null, !req.url.includes("refuse")),
});
io.engine.use((req, _res, next) => next(req.url.includes("fail") ? new Error("the app says no") : undefined));
io.engine.on("connection", (conn) => {
  secrets.add(conn.id);
  conn.on("packet", () => {});
});
io.engine.on("connection_error", ({ code, message }) => texts(`${code} ${message}`));
const circle = { secret: MARK };
circle.self = circle;
io.use((socket, next) => {
  if (socket.handshake.auth.refuse === "throw") throw new TypeError("the middleware fails");
  next(socket.handshake.auth.refuse ? new Error("the app refuses") : undefined);
});
io.of("/admin");
io.on("connection", (socket) => {
  if (socket.handshake.auth.refuse === "expired") socket.expireAt(1);
  socket.on("fail", () => {
    throw new Error("the handler fails");
  });
  socket.on("reject", async () => Promise.reject(new Error("the handler rejects")));
  socket.on("unencodable", (_, reply) => reply?.(circle) ?? socket.emit("back", circle));
  socket.on("bigint", () => socket.emit("back", { secret: MARK, count: 1n }));
  socket.on("rooms", () => socket.join([MARK, "a", "b", "c", "d", "e"]));
  socket.on("acks", () => {
    for (let n = 0; n < 4; n++) socket.emit("ask", MARK, () => {});
  });
  socket.on("disconnect", (reason, description) => texts(reason, description));
});
await new Promise((resolve) => http.listen(0, "127.0.0.1", resolve));
const { port } = http.address();
const url = `http://127.0.0.1:${port}`;

/** One request; what comes back is a text that somebody may log. */
function ask(path, { method = "GET", body, raw = false } = {}) {
  return new Promise((resolve) => {
    const req = request({
      port,
      host: "127.0.0.1",
      path,
      method,
      headers: { ...HEADERS, ...(raw ? { upgrade: "websocket", connection: "upgrade" } : {}) },
    });
    req.on("response", (res) => {
      let text = "";
      res.on("data", (chunk) => {
        text += chunk;
      });
      res.on("end", () => resolve({ status: res.statusCode, text }));
    });
    req.on("upgrade", (_res, socket) => resolve(void socket.destroy()));
    req.on("error", () => resolve({ status: 0, text: "" }));
    req.end(body);
  });
}

async function refused(path, options) {
  const answer = await ask(`/socket.io/?${path}&${QUERY}`, options);
  // Who is let in is told his secret.
  if (answer?.status >= 400) texts(`${answer.status} ${answer.text}`);
}

/** A raw WebSocket says something, and waits for its end. */
function say(frames, query = "EIO=4&transport=websocket") {
  return new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?${query}&${QUERY}`, { headers: HEADERS });
    ws.on("open", () => {
      for (const frame of frames) ws.send(frame);
    });
    ws.on("message", (frame) => {
      const pid = /"pid":"([^"]+)"/.exec(String(frame))?.[1];
      if (pid !== undefined) secrets.add(pid);
    });
    ws.on("close", (code, reason) => {
      texts(`${code} ${reason}`);
      resolve();
    });
    ws.on("error", () => resolve());
    setTimeout(() => ws.close(), 300).unref();
  });
}

async function handshake() {
  const { text } = await ask(`/socket.io/?EIO=4&transport=polling&${QUERY}`);
  return JSON.parse(text.slice(1)).sid;
}

// ---- refusals

await refused(`EIO=4&transport=${MARK}`);
await refused(`EIO=4&transport=polling&sid=${MARK}`);
await refused("EIO=4&transport=polling", { method: "DELETE" });
await refused("EIO=4&transport=websocket");
await refused("EIO=9&transport=polling");
await refused("EIO=4&transport=polling&refuse=1");
await refused("EIO=4&transport=polling&fail=1");
await refused("EIO=4&transport=websocket&refuse=1", { raw: true });
await refused(`EIO=4&transport=websocket&sid=${MARK}`, { raw: true });
const live = await handshake();
await refused(`EIO=4&transport=stream&sid=${live}`);
await refused(`EIO=3&transport=polling&sid=${live}`);
await refused(`EIO=4&transport=polling&sid=${live}`, { method: "PUT" });

// ---- what cannot be read

for (const body of [
  `40{"token":"${MARK}"`,
  `40{"token":"${MARK}"}x`,
  `4x${MARK}`,
  `42["${MARK}",`,
  `9${MARK}`,
  MARK.repeat(1000),
  `40${"\x1e"}42[${MARK}]`,
  `b${MARK}!`,
  `451-["${MARK}",{"_placeholder":true,"num":7}]`,
]) {
  await refused(`EIO=4&transport=polling&sid=${await handshake()}`, { method: "POST", body });
  await say([body]);
  await say(["40", body]);
}
await say(["40", `42["a",${"[".repeat(30)}"${MARK}"${"]".repeat(30)}]`]);
await say(["40", `42["${MARK}"]`, "40/none,", `42/none,["${MARK}"]`]);
await say([`40/admin,{"token":"${MARK}"}`, `42/admin,["connect","${MARK}"]`]);
await say([`40/admin?token=${MARK},`, `42/admin,["${MARK}",`], "EIO=3&transport=websocket");
await say([`40/none?token=${MARK},`], "EIO=3&transport=websocket");
await say(["40", Buffer.from(MARK)]);
await new Promise((resolve) => {
  const wire = connect(port, "127.0.0.1", () =>
    wire.write(`GET /socket.io/?${QUERY} HTTP/1.1\r\nAuthorization: ${MARK}\r\nBroken ${MARK}\r\n\r\n`),
  );
  wire.on("data", (chunk) => texts(String(chunk)));
  wire.on("close", resolve);
  wire.on("error", resolve);
});

// ---- clients of ours

/** Dials with secrets everywhere, and waits until it is in, or what it heard instead. */
function client({ to = url, auth = {}, path, transports = ["websocket"], ...rest } = {}) {
  const socket = dial(`${to}/?${QUERY}`, {
    forceNew: true,
    reconnectionDelay: 10,
    extraHeaders: HEADERS,
    auth: { token: MARK, ...auth },
    transports,
    ...(path ? { path } : {}),
    ...rest,
  });
  socket.on("connect_error", (error) => texts(error));
  socket.on("disconnect", (reason, details) => texts(reason, details));
  socket.io.on("error", (error) => texts(error));
  return new Promise((resolve) => {
    socket.once("connect", () => resolve(socket));
    socket.once("connect_error", () => setTimeout(resolve, 5, socket));
  });
}

for (const transports of [["polling"], ["websocket"]]) {
  for (const auth of [{ refuse: true }, { refuse: "throw" }, { refuse: "expired" }]) {
    (await client({ transports, auth })).disconnect();
  }
  (await client({ transports, to: "http://127.0.0.1:1", reconnection: false })).disconnect();
  (await client({ transports, path: `/${MARK}`, reconnection: false })).disconnect();
  (await client({ transports, query: { refuse: "1" }, reconnection: false })).disconnect();
  const socket = await client({ transports });
  for (const event of ["fail", "reject", "unencodable", "bigint", "rooms", "acks"]) socket.emit(event, MARK);
  socket.emit("unencodable", MARK, () => {});
  try {
    socket.emit("x", circle);
  } catch (error) {
    texts(error);
  }
  socket.on("ask", () => {
    throw new Error("the client's handler fails");
  });
  await socket.timeout(50).emitWithAck("nobody answers", MARK).catch(texts);
  // Comes back, and shows the secret of recovery.
  const back = new Promise((resolve) => socket.once("connect", resolve));
  socket.io.engine.close();
  await back;
  try {
    socket.emit("large", MARK.repeat(1000));
  } catch (error) {
    console.error(error);
  }
  socket.disconnect();
}

// ---- sessions that lose their transport

/** Opens a WebSocket, says something, and hears the server's first packet. */
function hear(query, frames) {
  return new Promise((resolve) => {
    const ws = new WebSocket(`ws://127.0.0.1:${port}/socket.io/?EIO=4&transport=websocket&${query}&${QUERY}`);
    ws.on("open", () => {
      for (const frame of frames) ws.send(frame);
    });
    ws.once("message", (frame) => {
      const open = String(frame).startsWith("0{") ? JSON.parse(String(frame).slice(1)) : {};
      if (open.resume) secrets.add(open.resume.secret);
      resolve({ ws, ...open });
    });
    ws.on("close", (code, reason) => texts(`${code} ${reason}`));
    ws.on("error", (error) => texts(error));
  });
}

{
  const { ws, sid, resume } = await hear("resume=offer", ["40"]);
  const claim = (words) => `0${JSON.stringify({ sid, secret: resume.secret, received: 0, ...words })}`;
  // The answer to CONNECT.
  await new Promise((next) => ws.once("message", next));
  ws.terminate();
  const at = `sid=${sid}&resume=claim`;
  for (const body of [
    claim({ secret: MARK }),
    claim({ received: 99 }),
    `${claim({})}x`,
    claim({ received: MARK }),
  ]) {
    await hear(at, [body]);
    await refused(`EIO=4&transport=polling&${at}`, { method: "POST", body });
  }
  await refused(`EIO=4&transport=polling&sid=${sid}`, { method: "POST", body: claim({}) });
  const back = await hear(at, [claim({})]);
  await hear(at, [claim({ secret: back.resume.secret })]);
  await new Promise((closed) => back.ws.once("close", closed));
}

// ---- a server that answers our client with what it cannot read

for (const answer of [`0{"sid":"${MARK}"`, `0{"sid":"${MARK}"}`, `0[${MARK}]`, MARK, `4${MARK}`]) {
  const broken = createServer((_req, res) => res.end(answer));
  await new Promise((resolve) => broken.listen(0, "127.0.0.1", resolve));
  const to = `http://127.0.0.1:${broken.address().port}`;
  (await client({ to, transports: ["polling"], reconnection: false })).disconnect();
  broken.closeAllConnections();
  broken.close();
}

texts(String(io.metrics()), JSON.stringify(io.health()));
io.emit("back", MARK);
try {
  io.emit("back", circle);
} catch (error) {
  texts(error);
}
await io.close({ drain: { deadlineMs: 1000 } });
for (const secret of secrets) console.log(`secret ${secret}`);
console.log("done");
