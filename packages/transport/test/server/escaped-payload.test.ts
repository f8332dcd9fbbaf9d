import { EncodedPacket } from "@sockeye/protocol";
import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeEscapedPayload } from "../../src/server/http/escaped-payload.js";

const encode = (...heads: string[]): string =>
  encodeEscapedPayload(heads.map((head) => new EncodedPacket(head)));

it.each([
  ["4a%b", "4a%25b"],
  ["4\r\n\0", "4%0D%0A%00"],
  ["4%0D", "4%250D"],
  ["4ü\u2028\t", "4ü\u2028\t"],
])("%j is written as %j", (head, written) => {
  expect(encode(head)).toBe(written);
});

it("is one line that can be undone", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.string({ unit: "binary" }).map((some) => `4${some}`),
        { minLength: 1 },
      ),
      (heads) => {
        const line = encode(...heads);
        expect(line).not.toMatch(/[\r\n\0]/);
        const undone = line.replace(/%(25|0D|0A|00)/g, (_all, hex: string) =>
          String.fromCharCode(Number.parseInt(hex, 16)),
        );
        expect(undone).toBe(heads.join("\x1e"));
      },
    ),
  );
});
