import { expect, it } from "vitest";
import { forwardKey, SIGNATURE_HEADER, Signer, Verifier } from "../src/forward/signature.js";

// Requests that a node has signed, said once more by who has read them.

const key = forwardKey("announced", "hush");
const facts = { address: "10.0.0.1", corsAnswer: undefined };

function signedBy(signer: Signer) {
  const request = { method: "GET", url: "/x" };
  return { ...request, headers: { [SIGNATURE_HEADER]: signer.sign(key, request, facts) } };
}

it("what a node has signed holds once, also if it was gone meanwhile and is back, and others came", () => {
  const members = new Set(["aaaaaaaa"]);
  const verifier = new Verifier(key, (id) => members.has(id));
  const [a, b] = [new Signer("aaaaaaaa"), new Signer("bbbbbbbb")];
  const requests = Array.from({ length: 5000 }, () => signedBy(a));
  const taken = (all: readonly ReturnType<typeof signedBy>[]): number =>
    all.filter((request) => verifier.verify(request) !== undefined).length;
  // One of them has not arrived.
  expect(taken(requests.slice(0, -1))).toBe(4999);
  expect(taken(requests.slice(0, -1))).toBe(0);
  members.delete("aaaaaaaa");
  members.add("bbbbbbbb");
  expect([taken(requests), taken([signedBy(b)])]).toEqual([0, 1]);
  members.add("aaaaaaaa");
  expect(taken(requests.slice(0, -1))).toBe(0);
  expect([taken([signedBy(a)]), taken([signedBy(a), signedBy(b)])]).toEqual([1, 2]);
});
