// For the packages of Sockeye that carry calls.
export type { Answerer, AnyCallHandler } from "./answering.js";
export { answerCall, answering, Running } from "./answering.js";
export type { Caller } from "./calling.js";
export { makeCall } from "./calling.js";
