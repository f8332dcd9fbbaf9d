/**
 * What the `ws` package knows of a message that has not come to its end and does not tell. Another implementation with its interface may have
 * none of this: then nothing is known, and nothing is changed.
 */
interface Receiving {
  readonly _receiver?: {
    _maxPayload?: unknown;
    readonly _messageLength?: unknown;
    readonly _extensions?: { readonly "permessage-deflate"?: { _maxPayload?: unknown } };
  };
}

/** Bytes that the pieces of the present message have become; `undefined`: not known. */
export function unpackedBytes(ws: object): number | undefined {
  const bytes = (ws as Receiving)._receiver?._messageLength;
  return typeof bytes === "number" ? bytes : undefined;
}

/**
 * Messages may have no more than so many bytes, unpacked, from the next frame on. A larger one closes the WebSocket with 1009.
 *
 * @returns gives back the limit that was there
 */
export function limitMessages(ws: object, maxBytes: number): () => void {
  const receiver = (ws as Receiving)._receiver;
  const deflate = receiver?._extensions?.["permessage-deflate"];
  const restore = [lower(receiver, maxBytes), lower(deflate, maxBytes)];
  return () => {
    for (const each of restore) each();
  };
}

function lower(limited: { _maxPayload?: unknown } | undefined, maxBytes: number): () => void {
  const before = limited?._maxPayload;
  if (limited === undefined || typeof before !== "number") return () => {};
  limited._maxPayload = before > 0 ? Math.min(before, maxBytes) : maxBytes;
  return () => {
    limited._maxPayload = before;
  };
}
