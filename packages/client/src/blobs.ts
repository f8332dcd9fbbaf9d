type Args = readonly unknown[];

/**
 * What must be sent after the bytes of a Blob have been read, which takes time: the Blob's own event, and all that came
 * after it. The order of emits is kept.
 */
export class BlobQueue {
  readonly #failed: (error: unknown) => void;
  #last: Promise<void> | undefined;

  /** @param failed a Blob could not be read, or what waited could not be sent */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Is something being read? Then everything has to wait here. */
  get busy(): boolean {
    return this.#last !== undefined;
  }

  /** Calls `send` in its turn, with bytes in the place of Blobs. */
  add(args: Args, send: (args: Args) => void): void {
    const last = (this.#last ?? Promise.resolve())
      .then(() => Promise.all(args.map((item) => readBlobs(item, []))))
      .then(send)
      .catch(this.#failed)
      .then(() => {
        if (this.#last === last) this.#last = undefined;
      });
    this.#last = last;
  }
}

/** What a socket needs to send Blobs. */
export interface BlobFeature {
  holdsBlob(value: unknown): boolean;
  /** @param failed a Blob could not be read, or what waited could not be sent */
  queue(failed: (error: unknown) => void): BlobQueue;
}

export const blobFeature: BlobFeature = {
  holdsBlob: (value) => holdsBlob(value),
  queue: (failed) => new BlobQueue(failed),
};

/** A `File` is a `Blob`. By name, since those of another realm are of another class. */
export function isBlob(value: unknown): value is Blob {
  return / (Blob|File)]$/.test(Object.prototype.toString.call(value));
}

/** Is there a Blob or a File in what could not be encoded? Cycles do no harm. */
export function holdsBlob(value: unknown, seen: Set<unknown> = new Set()): boolean {
  if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || seen.has(value))
    return false;
  seen.add(value);
  return isBlob(value) || Object.values(value).some((item) => holdsBlob(item, seen));
}

/**
 * A copy with bytes in the place of Blobs, or the promise of one; what holds none stays as it is, and so does a cycle.
 * Without `async`, which the build for old browsers would have to pay for.
 */
function readBlobs(value: unknown, above: readonly unknown[]): unknown {
  if (isBlob(value)) return value.arrayBuffer();
  if (above.includes(value) || !holdsBlob(value)) return value;
  const path = [...above, value];
  if (Array.isArray(value)) return Promise.all(value.map((item) => readBlobs(item, path)));
  const keys = Object.keys(value as object);
  return Promise.all(Object.values(value as object).map((item) => readBlobs(item, path))).then((items) =>
    Object.fromEntries(items.map((item, i) => [keys[i], item])),
  );
}
