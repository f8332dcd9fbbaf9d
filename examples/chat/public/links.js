// @ts-check
// Addresses in a text become links.

const ADDRESS = /\bhttps?:\/\/[^\s<>"]+/giu;
/** What stands behind an address rather than in it. */
const BEHIND = /[.,;:!?'*_]+$/u;

/**
 * @param {string} text What somebody wrote: no part of it becomes markup.
 * @returns {(string | HTMLElement)[]}
 */
export function linked(text) {
  const parts = [];
  let at = 0;
  for (const { 0: found, index } of text.matchAll(ADDRESS)) {
    let address = found.replace(BEHIND, "");
    // A bracket belongs to the address if it was opened there, as some of Wikipedia's are.
    if (address.endsWith(")") && !address.includes("(")) address = address.slice(0, -1).replace(BEHIND, "");
    if (!URL.canParse?.(address)) continue;
    const link = document.createElement("a");
    link.href = address;
    link.textContent = address;
    link.target = "_blank";
    // The page behind it gets no hold of this one, and is not told where it was linked from.
    link.rel = "noopener noreferrer nofollow";
    parts.push(text.slice(at, index), link);
    at = index + address.length;
  }
  return [...parts, text.slice(at)];
}
