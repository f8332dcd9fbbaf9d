/** A room that remembers, over all nodes of a cluster: an entry has one offset for all of them. */
export interface SharedRoom {
  /** The id of this node. */
  readonly node: string;
  /** Higher than that of any room that this node has followed before. */
  readonly life: number;
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
  /** Tells the other nodes that follow the room, or one of them: in order, but it may be lost, and {@link SharedRoomSink.missed} tells of that there. */
  say(value: readonly unknown[], to?: string): void;
  /** The same to all nodes. Resolves once each of them has heard it, and what it says to that is here; 2 s later at most. */
  ask(value: readonly unknown[]): Promise<void>;
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
  /** What a node that lives {@link SharedRoom.say says}: whatever came over the bus. This alone may throw. */
  said(from: string, value: readonly unknown[]): void;
  /** A node has left, or is taken to be dead: nothing of it is told until it is `missed`. */
  gone(node: string): void;
  /** The room is heard from now on; or something that nodes have said may be lost: of one, or of all if it is left out. */
  missed(node?: string): void;
}
