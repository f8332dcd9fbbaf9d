// The Socket.IO wire by hand, just enough of it for the rows: what a program costs that does nothing else.

export const OPEN = (upgrades = []) =>
  `0${JSON.stringify({
    sid: "floorfloorfloorfloor",
    upgrades,
    pingInterval: 600_000,
    pingTimeout: 20_000,
    maxPayload: 1e6,
  })}`;

export const CONNECTED = `40${JSON.stringify({ sid: "socketsocketsocketso" })}`;

/** An event with its arguments, and the id under which an acknowledgement is wanted. */
export function readEvent(text) {
  const start = text.indexOf("[");
  const id = start > 2 ? text.slice(2, start) : undefined;
  const [name, ...args] = JSON.parse(text.slice(start));
  return { name, args, id };
}

export function writeEvent(name, ...args) {
  return `42${JSON.stringify([name, ...args])}`;
}

export function writeAck(id, ...args) {
  return `43${id}${JSON.stringify(args)}`;
}

/** A binary echo's head, both ways. */
export const BINARY_ECHO = '451-["echo",{"_placeholder":true,"num":0}]';

/** A WebSocket frame as servers write it. */
export function frame(payload, { compressed = false } = {}) {
  const isText = typeof payload === "string";
  const length = isText ? Buffer.byteLength(payload) : payload.length;
  const start = length < 126 ? 2 : 4;
  const target = Buffer.allocUnsafe(start + length);
  target[0] = (isText || compressed ? 0x81 : 0x82) | (compressed ? 0x40 : 0);
  if (start === 2) target[1] = length;
  else {
    target[1] = 126;
    target.writeUInt16BE(length, 2);
  }
  if (isText) target.write(payload, start, length, length === payload.length ? "latin1" : "utf8");
  else payload.copy(target, start);
  return target;
}
