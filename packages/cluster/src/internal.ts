export { SPREAD_MS } from "./cluster-adapter.js";
export { writeEvent } from "./event.js";
export { FrameFormat, Kind } from "./frame.js";
export { pack } from "./introduction.js";
export { LogWriter } from "./log/log-writer.js";
export { Outbox } from "./outbox.js";
export { Publisher } from "./publisher.js";
export { packSelection } from "./remote.js";
export { requireClusterName, Topics } from "./topics.js";
