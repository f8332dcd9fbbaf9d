import { ChunkFrameDecoder, splitChunkFrames } from "@sockeye/codec/chunk-frames";
import type { EncodedPacket, Frame } from "@sockeye/protocol";
import { httpStream } from "#http";
import type { HttpBody } from "../shared/http-like.js";
import { LineDecoder } from "./escaped-payload.js";
import {
  type HttpKind,
  HttpTransport,
  payloadsOf,
  type Receiving,
  type ResponseSink,
} from "./http-transport.js";
import { StreamedResponse } from "./streamed-response.js";
import type { Target } from "./target.js";

/** Bytes of one frame of the server; as much as `ws` takes. */
const MAX_FRAME_BYTES = 100 * 1024 * 1024;

const STREAM: HttpKind = {
  name: "stream",
  receive: (address, target, sink) =>
    new StreamedResponse({ name: STREAM.name, target, sink, read: readerOf(address, target, sink) }),
  bodiesOf: (batch, target) =>
    (!target.forceBase64 && batch.some(hasBytes) ? chunksOf : payloadsOf)(batch, target),
};

/** The dialling end of `stream`: one HTTP response that never ends, read by `fetch`; on Node.js by `node:http`. */
export class StreamTransport extends HttpTransport {
  static readonly transportName = "stream";

  constructor(target: Target) {
    super(target, STREAM);
  }
}

function readerOf(
  address: string,
  target: Target,
  sink: ResponseSink,
): (response: StreamedResponse) => Receiving {
  return (response) => {
    const decoder: { write(bytes: Uint8Array): Frame[] } = target.forceBase64
      ? new LineDecoder()
      : new ChunkFrameDecoder(MAX_FRAME_BYTES);
    const request = httpStream(address, target, (bytes) => {
      sink.progress(bytes.length);
      let frames: Frame[];
      try {
        frames = decoder.write(bytes);
      } catch (error) {
        response.malformed(error as Error);
        return;
      }
      response.frames(frames);
    });
    request.answer.then(
      (answer) => response.ended(answer.status === 200 ? undefined : answer),
      (error: unknown) => response.ended(error),
    );
    return request;
  };
}

function hasBytes({ head, attachments }: EncodedPacket): boolean {
  return typeof head !== "string" || attachments.length > 0;
}

function chunksOf(batch: readonly EncodedPacket[], { maxPayload }: Target): HttpBody[] {
  return splitChunkFrames(batch, maxPayload ?? Number.POSITIVE_INFINITY);
}
