import type { Target } from "@sockeye/transport/client";

/** A target as a client makes it of default options, with changes. */
export function target(changes: Partial<Target> = {}): Target {
  return {
    url: "http://localhost/socket.io/",
    query: {},
    sid: undefined,
    maxPayload: undefined,
    withCredentials: false,
    timestampParam: "t",
    timestampRequests: undefined,
    requestTimeoutMs: 0,
    protocols: [],
    forceBase64: false,
    ...changes,
  };
}
