// esbuild's helper that defines exports walks over an object with `for … in`, which also finds what somebody has put on
// `Object.prototype`, and dies of it. Here it keeps to the object's own names.

const LOOP = /for\s*\((var|let) (\w+) in (\w+)\)(\s*)(\w+)\((\w+),\s*\2,\s*\{\s*get:\s*\3\[\2\],/g;

/** @throws Error if there is the helper, but in another shape than this function knows */
export function ownNamesOnly(code) {
  const mended = code.replace(LOOP, "for($1 $2 of Object.keys($3))$4$5($6,$2,{get:$3[$2],");
  if (/\w+ in (\w+)\)\s*\w+\([^)]*get:/.test(mended))
    throw new Error("esbuild defines exports in another way now");
  return mended;
}
