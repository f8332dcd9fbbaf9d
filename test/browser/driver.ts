/** A running browser: the little that the tests of all browsers need of it. */
export interface Driver {
  /** For people: `Firefox 153.7.0`. */
  readonly version: string;
  /** Opens a tab. Resolves once its page has begun to load. */
  open(url: string): Promise<DrivenTab>;
  close(): Promise<void>;
}

export interface DrivenTab {
  /** Leaves the page for another. */
  go(url: string): Promise<void>;
  close(): Promise<void>;
}
