/** The last number that streams and uploads of a socket have used: they share them. */
const last = /* @__PURE__ */ new WeakMap<object, number>();

/** The next one of this socket. They only grow. */
export function nextNumber(socket: object): number {
  const n = (last.get(socket) ?? 0) + 1;
  last.set(socket, n);
  return n;
}
