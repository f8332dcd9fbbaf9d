/** What ../prose.ts says, in bundles for browsers: nothing. Bundlers leave nothing of the call of a function that is empty. */
export function prose(_name: string, _first?: unknown, _second?: unknown): undefined {}
