/** A room that remembers, over all nodes of a cluster: an entry has one offset for all of them. */
export interface SharedRoom {
  /** Settles once all is known that was kept; nothing if it is. Rejects with `ERR_BUS_DOWN` if that takes too long. */
  known(): Promise<void> | undefined;
  /** All that was kept when this was called is told once it resolves. Rejects with `ERR_BUS_DOWN` if that takes too long. */
  catchUp(): Promise<void>;
  /**
   * Keeps something and tells it to all nodes, this one included: in the order of the calls, also if the bus is down for a while.
   *
   * @param id whatever has this name in this room is kept once, whichever nodes say it. @returns was it kept before? Rejects with
   *   `ERR_BUS_DOWN` if too much waits, with `ERR_CLUSTER_INPUT` if it is too large
   */
  append(value: readonly unknown[], id?: string): Promise<"stored" | "known">;
  close(): void;
}

/** What is kept of a {@link SharedRoom}, and how much of it is read. */
export interface SharedRoomKeep {
  readonly entries: number;
  readonly ms: number;
}

/** The reader of a {@link SharedRoom}. No method may throw. */
export interface SharedRoomSink {
  /** It continues behind this offset: whatever was told of another epoch or before it may be gone. */
  began(epoch: string, offset: number): void;
  /** What was kept next: its offset is one more than the last. */
  kept(value: readonly unknown[]): void;
}
