/** The platform's global object, by a way that old browsers know. Typed as what it may have, and never changed. */
export interface Root {
  readonly Promise?: PromiseConstructor;
  readonly Uint8Array?: Uint8ArrayConstructor;
  readonly ArrayBuffer?: ArrayBufferConstructor;
  readonly Blob?: typeof Blob;
  readonly Symbol?: SymbolConstructor;
  readonly performance?: { now?(): number };
  readonly btoa?: (binary: string) => string;
  readonly atob?: (text: string) => string;
}

export const root: Root = (
  typeof window !== "undefined" ? window : typeof self !== "undefined" ? self : {}
) as Root;
