/**
 * The code with which a WebSocket or WebTransport session is closed that its session does not need any more, because it continues
 * elsewhere: unlike other codes, it does not mean goodbye.
 *
 * @see PROTOCOL.md, "Loss"
 */
export const MOVED = 4001;
