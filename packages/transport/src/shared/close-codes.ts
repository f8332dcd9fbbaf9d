/**
 * The code with which a WebSocket or WebTransport session is closed that its session does not need any more, because it goes on
 * elsewhere: unlike others it is no goodbye.
 *
 * @see PROTOCOL.md, "Loss"
 */
export const MOVED = 4001;
