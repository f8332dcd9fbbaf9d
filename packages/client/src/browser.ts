export * from "./browser-module.js";
export { io as default } from "./standard/io.js";
