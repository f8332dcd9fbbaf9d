import { transportSuite } from "@sockeye/conformance";
import { SseTransport, StreamTransport } from "@sockeye/transport/client";
import { EventSource } from "eventsource";
import { nodePair } from "./node-pair.js";

globalThis.EventSource = EventSource as unknown as typeof globalThis.EventSource;

transportSuite("stream", nodePair(StreamTransport));

transportSuite("stream in text", nodePair(StreamTransport, { target: { forceBase64: true } }));

transportSuite("sse", nodePair(SseTransport));
