import type { BlobFeature, BlobQueue } from "./blobs.js";
import { reportAppError } from "./report-error.js";

/** Keeps the order of what is sent where Blobs have to be read first. */
export class BlobOrder {
  readonly #feature: BlobFeature | undefined;
  #queue: BlobQueue | undefined;

  constructor(feature: BlobFeature | undefined) {
    this.#feature = feature;
  }

  /** Are Blobs being read? */
  get busy(): boolean {
    return this.#queue?.busy === true;
  }

  /** Acts at once, unless there are Blobs among the arguments or something waits for some. @throws what `act` throws, if it acts at once */
  run(args: readonly unknown[], act: (args: readonly unknown[]) => void): void {
    if (!this.busy) {
      try {
        act(args);
        return;
      } catch (error) {
        if (!this.#feature?.holdsBlob(args)) throw error;
        this.#queue ??= this.#feature.queue(reportAppError);
      }
    }
    this.#queue?.add(args, act);
  }
}
