import { decodePayload } from "@sockeye/codec/payload";
import type { Frame } from "@sockeye/protocol";
import { httpRequest } from "#http";
import type { HttpAnswer } from "../shared/http-like.js";
import {
  type HttpKind,
  HttpTransport,
  httpError,
  type Receiving,
  type ResponseSink,
} from "./http-transport.js";
import type { Target } from "./target.js";

// A stock server answers with all that it has queued, however many packets that are.
const NO_LIMIT = { maxPacketsPerPayload: Number.POSITIVE_INFINITY };

const POLLING: HttpKind = { name: "polling", receive: poll };

/** The dialling end of HTTP long-polling: each response holds what the server has once it has something. */
export class PollingTransport extends HttpTransport {
  static readonly transportName = "polling";

  constructor(target: Target) {
    super(target, POLLING);
  }
}

function poll(address: string, target: Target, sink: ResponseSink): Receiving {
  const request = httpRequest(address, target, undefined, sink.progress);
  const failed = (trouble: unknown): void =>
    sink.failed("transport error", httpError(target, "xhr poll error", trouble));
  request.answer.then((answer) => {
    // A server of pages that answers every address with one of them is none of ours either.
    const isOurs = answer.status === 200 && (target.sid !== undefined || /^\d/.test(answer.responseText));
    if (isOurs) polled(answer, sink);
    else failed(answer);
  }, failed);
  return request;
}

function polled({ responseText }: HttpAnswer, sink: ResponseSink): void {
  let frames: Frame[];
  try {
    frames = decodePayload(responseText, NO_LIMIT);
  } catch (error) {
    sink.failed("parse error", error as Error);
    return;
  }
  sink.frames(frames, true);
}
