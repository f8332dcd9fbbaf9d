export * from "./globals.js";
export * from "./methods.js";
export * from "./statics.js";
