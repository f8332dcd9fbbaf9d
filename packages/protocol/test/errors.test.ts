import {
  AckError,
  CodecError,
  NamespaceError,
  SessionError,
  SockeyeError,
  TransportError,
  UsageError,
} from "@sockeye/protocol";
import { describe, expect, it } from "vitest";

const CLASSES = [
  { name: "SockeyeError", make: () => new SockeyeError("ERR_OFFLINE", "text") },
  { name: "CodecError", make: () => new CodecError("ERR_OFFLINE", "text") },
  { name: "TransportError", make: () => new TransportError("ERR_OFFLINE", "text") },
  { name: "SessionError", make: () => new SessionError("ERR_OFFLINE", "text") },
  { name: "NamespaceError", make: () => new NamespaceError("ERR_OFFLINE", "text") },
  { name: "AckError", make: () => new AckError("ERR_OFFLINE", "text") },
  { name: "UsageError", make: () => new UsageError("ERR_OFFLINE", "text") },
];

describe("errors", () => {
  it.each(CLASSES)("$name has its name, a code and a text, and no cause unless given", ({ name, make }) => {
    const error = make();
    expect(error).toBeInstanceOf(SockeyeError);
    expect(error).toBeInstanceOf(Error);
    expect(error.name).toBe(name);
    expect(String(error)).toBe(`${name}: text`);
    expect(error.code).toBe("ERR_OFFLINE");
    expect("cause" in error).toBe(false);
  });

  it("keep what lies underneath", () => {
    const below = new Error("below");
    expect(new CodecError("ERR_UNENCODABLE", "text", below).cause).toBe(below);
    expect(new UsageError("ERR_BAD_OPTION", "text", null).cause).toBe(null);
  });

  it("TransportError has Socket.IO's fields, and a cause only if the description is an error", () => {
    const below = new Error("below");
    const failed = new TransportError("ERR_TRANSPORT_FAILED", "xhr poll error", below, "context");
    expect(failed).toMatchObject({
      type: "TransportError",
      description: below,
      context: "context",
      cause: below,
    });
    const refused = new TransportError("ERR_TRANSPORT_OPEN", "xhr poll error", 503);
    expect(refused.description).toBe(503);
    expect(refused.cause).toBeUndefined();
  });

  it("NamespaceError carries the middleware's data", () => {
    expect(new NamespaceError("ERR_CONNECT_REFUSED", "text", { a: 1 }).data).toEqual({ a: 1 });
  });

  it("AckError has responses only if somebody put them there", () => {
    expect("responses" in new AckError("ERR_ACK_TIMEOUT", "text")).toBe(false);
  });
});
