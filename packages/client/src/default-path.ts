/** Of the requests to a Socket.IO server. */
export const DEFAULT_PATH = "/socket.io";
