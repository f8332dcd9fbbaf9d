/** An event of a room that keeps it, as those see it who ask for its history. */
export interface RoomEvent {
  readonly position: string;
  readonly event: string;
  readonly args: readonly unknown[];
  /** The name that its publisher gave it. */
  readonly id?: string;
  /** The socket that sent it, if one did. */
  readonly from?: string;
}

/** Where a page of history begins or ends. */
export interface HistoryOptions {
  /** The newest events before this position. */
  readonly before?: string | undefined;
  /** The oldest events after this position. */
  readonly after?: string | undefined;
  /** 50 unless it is said otherwise. */
  readonly limit?: number | undefined;
}
