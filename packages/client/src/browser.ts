export * from "./index.js";
export { io as default } from "./polling/io.js";
