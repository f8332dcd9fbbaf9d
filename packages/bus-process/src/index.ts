export { type ProcessPort, processBus } from "./process-bus.js";
export { relay } from "./relay.js";
