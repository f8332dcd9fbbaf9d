export * from "./browser-full-module.js";
export { io as default } from "./standard/io.js";
