/** Why a session, or a socket on it, ended. The texts are Socket.IO's and part of the API: they never change. */

/** Reasons that a transport or session can end with, on either side. */
export type CloseReason =
  | "transport close" // the peer, or the network, closed the pipe
  | "transport error" // the pipe failed
  | "ping timeout" // nothing heard from the peer in time
  | "parse error" // the peer sent something that is not in the protocol
  | "forced close" // this side closed the session
  | "forced server close" // no namespace joined in time, or the server closed the connection
  | "server shutting down"; // `io.close()`

/** `disconnect` reasons on the server. */
export type ServerDisconnectReason =
  | CloseReason
  | "server namespace disconnect"
  | "client namespace disconnect";

/** `disconnect` reasons on the client. */
export type ClientDisconnectReason =
  | "io server disconnect"
  | "io client disconnect"
  | "ping timeout"
  | "transport close"
  | "transport error"
  | "parse error"
  | "forced close";
