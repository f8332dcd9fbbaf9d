export * from "./index.js";
export { io as default } from "./standard/io.js";
