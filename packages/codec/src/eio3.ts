/** Revision 3 of the engine protocol, for transports that serve clients of Socket.IO 2. */
export { unwrapFrame, wrapBase64, wrapBytes } from "./eio3-envelope.js";
export { decodePayload, encodePayload, encodeTextPayload } from "./eio3-payload.js";
