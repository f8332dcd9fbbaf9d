import type { PresenceChange } from "@sockeye/rooms/client";
import { expect } from "vitest";

/** Who is in a room, by changes alone: one that makes no sense of what was told before fails the test. */
export class There extends Map<string, { readonly value: unknown; readonly state: string }> {
  readonly apply = ({ joined, updated, away, left }: PresenceChange): void => {
    for (const { key, value, state } of joined) {
      expect(this.has(key)).toBe(false);
      this.set(key, { value, state });
    }
    for (const { key, value, state } of updated) {
      expect(this.has(key)).toBe(true);
      this.set(key, { value, state });
    }
    for (const key of away) {
      expect(this.get(key)?.state).toBe("here");
      this.set(key, { value: this.get(key)?.value, state: "away" });
    }
    for (const key of left) expect(this.delete(key)).toBe(true);
  };

  /** In the order of the keys, as a page shows it. */
  get page(): object[] {
    const sorted = [...this].sort(([one], [other]) => (one < other ? -1 : 1));
    return sorted.map(([key, { value, state }]) => ({ key, value, state }));
  }
}
