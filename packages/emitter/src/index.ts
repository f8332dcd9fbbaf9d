export { Emitter, EmitterNamespace, type EmitterOptions } from "./emitter.js";
export { Selected } from "./selected.js";
