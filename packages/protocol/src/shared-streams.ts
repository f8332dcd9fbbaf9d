/** Kept streams and uploads of a namespace, over all nodes of a cluster. A key is a name and an id within an owner. */
export interface SharedStreams {
  /** The id of this node. */
  readonly node: string;
  /**
   * The node that has begun what has this key. Rejects with `ERR_BUS_DOWN` or `ERR_NODES_MISSING` if that cannot be known now.
   *
   * @param begins if none has, this node has, from now on
   */
  find(key: string, begins: boolean): Promise<string | undefined>;
  /** It is kept here: for so long nobody else begins it. @param isMade the id was made here, and nobody else can have it */
  hold(key: string, isMade: boolean): void;
  /** It is not kept here any more. The key is remembered for an hour. @param never it was not even begun, and may be */
  release(key: string, never: boolean): void;
  lives(node: string): boolean;
  /** Tells a node: in order, but it may be lost, and {@link SharedStreamsSink.missed} tells of that there. @returns false: it is too large for the bus */
  say(to: string, value: readonly unknown[]): boolean;
  close(): void;
}

/** Who has kept streams here. No method may throw. */
export interface SharedStreamsSink {
  /** Is it kept here, or was it? */
  has(key: string): boolean;
  /** What a node that lives {@link SharedStreams.say says}: whatever came over the bus. This alone may throw. */
  said(from: string, value: readonly unknown[]): void;
  /** A node has left, or is taken to be dead. */
  gone(node: string): void;
  /** Something that nodes have said may be lost: of one, or of all if it is left out. */
  missed(node?: string): void;
}
