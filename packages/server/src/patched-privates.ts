/** Private methods of Socket.IO's sockets that packages replace, and what does the same here. */
const INSTEAD: Readonly<Record<string, string>> = {
  onevent: "see every event by socket.onAny(listener), or change and refuse them by socket.use(middleware)",
  dispatch: "see every event by socket.onAny(listener), or change and refuse them by socket.use(middleware)",
  _onpacket: 'see raw packets by socket.conn.on("packet", listener)',
  packet:
    'see events that leave by socket.onAnyOutgoing(listener), or raw packets by socket.conn.on("packetCreate", listener)',
  _onclose: 'listen to the events "disconnecting" and "disconnect"',
  onack: "use the callback of socket.emit, or socket.emitWithAck",
  ack: "wrap the acknowledgement, the last argument of the handler",
};

const told = new Set<string>();

/**
 * Says aloud, once for each name, that nothing calls what is assigned to a private method of Socket.IO. The assignment itself works, so
 * that packages which look whether they have been here find what they left.
 */
export function warnOfPatches(prototype: object): void {
  for (const [name, instead] of Object.entries(INSTEAD)) {
    Object.defineProperty(prototype, name, {
      configurable: true,
      get: () => undefined,
      set(this: object, value: unknown) {
        Object.defineProperty(this, name, { value, configurable: true, enumerable: true, writable: true });
        if (told.has(name)) return;
        told.add(name);
        process.emitWarning(
          `socket.${name} is a private method of Socket.IO, which nothing calls here: what was assigned to it has no effect. Instead, ${instead}.`,
          { code: "SOCKEYE_PRIVATE_METHOD", detail: "See docs/migrating.md" },
        );
      },
    });
  }
}
