// Dials the server's WebSocket before the client's script has come; the first `io()` that goes to the same address takes it over
// (packages/transport/src/client/early-dial.ts). It is built into sockeye.early.js, which the server gives as `early.js`.

/** Milliseconds after which a WebSocket is closed that nobody has taken. */
const GIVE_UP_MS = 20_000;

try {
  const { src } = document.currentScript as HTMLScriptElement;
  const url = src.replace(
    /early\.js(\?lean)?.*/,
    (_, lean) => `?EIO=4&transport=websocket&resume=${lean ? "without" : "offer"}`,
  );
  const socket = new WebSocket(url.replace("http", "ws"));
  const messages: MessageEvent[] = [];
  const page = window as { sockeyeEarly?: object };
  page.sockeyeEarly = { socket, messages };
  socket.binaryType = "arraybuffer";
  socket.onmessage = (message) => {
    messages.push(message);
  };
  setTimeout(() => {
    if (page.sockeyeEarly) socket.close();
  }, GIVE_UP_MS);
} catch {
  // The client dials for itself.
}
