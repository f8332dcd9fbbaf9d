/** Revision 3 of the engine protocol, for transports that serve clients of Socket.IO 2. */
export { unwrapFrame, wrapBase64, wrapBytes } from "./envelope-v3.js";
export { decodePayload, encodePayload, encodeTextPayload } from "./payload-v3.js";
