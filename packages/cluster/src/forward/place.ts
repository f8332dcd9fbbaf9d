import type { Member } from "../membership.js";

/** Where a node's internal listener is. */
export function placeOf({ address = "" }: Member): { readonly host: string; readonly port: number } {
  const colon = address.lastIndexOf(":");
  return { host: address.slice(0, colon).replace(/^\[|\]$/g, ""), port: Number(address.slice(colon + 1)) };
}
