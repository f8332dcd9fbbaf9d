import {
  DEFAULT_LIMITS,
  ENGINE_PROTOCOL,
  EncodedPacket,
  PacketType,
  RESERVED_EVENTS,
  SOCKET_PROTOCOL,
} from "@sockeye/protocol";
import { expect, it } from "vitest";

it("the numbers of the wire are Socket.IO's", () => {
  expect(ENGINE_PROTOCOL).toBe(4);
  expect(SOCKET_PROTOCOL).toBe(5);
  expect(PacketType).toEqual({
    CONNECT: 0,
    DISCONNECT: 1,
    EVENT: 2,
    ACK: 3,
    CONNECT_ERROR: 4,
    BINARY_EVENT: 5,
    BINARY_ACK: 6,
  });
});

it("the reserved events are Socket.IO's", () => {
  expect([...RESERVED_EVENTS].sort()).toEqual([
    "connect",
    "connect_error",
    "disconnect",
    "disconnecting",
    "newListener",
    "removeListener",
  ]);
});

it("an encoded packet is compressed unless told otherwise, and packets without attachments share one list", () => {
  const [one, two] = [new EncodedPacket("42[]"), new EncodedPacket("42[]", undefined, false)];
  expect(one).toMatchObject({ head: "42[]", attachments: [], compress: true, wire: undefined });
  expect(two.compress).toBe(false);
  expect(one.attachments).toBe(two.attachments);
});

it("every limit is on by default", () => {
  expect(DEFAULT_LIMITS).toEqual({
    maxMessageBytes: 1e6,
    maxUrlLength: 16_384,
    maxQueryParameters: 1000,
    maxPacketsPerPayload: 16_384,
    maxAttachments: 10,
    maxBinaryEventBytes: 1e7,
    maxAuthBytes: 16_384,
    maxJsonDepth: 100,
    maxEventNameLength: 1024,
    maxNamespaceLength: 512,
    maxNamespacesPerConnection: 128,
    maxJoinsPerMinute: 512,
    maxRoomsPerSocket: 10_000,
    maxPendingAcks: 65_536,
    maxPendingEventBytes: 16_777_216,
    maxOutboundBytes: 16_777_216,
    maxSessionsPerAddress: Number.POSITIVE_INFINITY,
    maxHandshakesPerSecondPerAddress: Number.POSITIVE_INFINITY,
    maxProcessBytes: Number.POSITIVE_INFINITY,
    maxPending: 10_000,
    maxPendingPerAddress: Number.POSITIVE_INFINITY,
  });
});
