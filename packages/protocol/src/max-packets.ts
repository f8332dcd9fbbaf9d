/** Packets in one body that a peer takes who says nothing else. Apart from the other limits, of which bundles need none. */
export const DEFAULT_MAX_PACKETS = 16_384;
