// What stands in the place of the platform's globals in the bundle for old browsers. The name of each export is the global's.
// Collections are always our own: what is iterated must give an array. The others only where the platform has none.
import { LegacyBytes, legacyAtob, legacyBtoa, NoBuffer } from "./bytes.js";
import { LegacyMap, LegacySet } from "./collections.js";
import { LegacyError } from "./errors.js";
import { LegacyOrNativePromise } from "./promise.js";
import { root } from "./root.js";
import { LegacySearchParams, LegacyTextEncoder } from "./text.js";

const BytesOrPlain: unknown = root.Uint8Array || LegacyBytes;
const BufferOrNone: unknown = root.ArrayBuffer || NoBuffer;
const BlobOrNone: unknown = root.Blob || NoBuffer;
/** Where there are none, names that nobody else has. */
const SymbolOrName: unknown =
  root.Symbol || Object.assign((): string => `@@${Math.random()}`, { toStringTag: "@@toStringTag" });
const toBase64 = (binary: string): string => (root.btoa ? root.btoa(binary) : legacyBtoa(binary));
const fromBase64 = (text: string): string => (root.atob ? root.atob(text) : legacyAtob(text));
const microtask = (call: () => void): void => {
  if (root.Promise) root.Promise.resolve().then(call);
  else setTimeout(call, 0);
};

export {
  BlobOrNone as Blob,
  BufferOrNone as ArrayBuffer,
  BytesOrPlain as Uint8Array,
  fromBase64 as atob,
  LegacyError as Error,
  LegacyMap as Map,
  LegacyOrNativePromise as Promise,
  LegacySearchParams as URLSearchParams,
  LegacySet as Set,
  LegacyTextEncoder as TextEncoder,
  microtask as queueMicrotask,
  root as globalThis,
  SymbolOrName as Symbol,
  toBase64 as btoa,
};
