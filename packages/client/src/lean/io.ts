import type { Io } from "../io.js";
import { ioWith } from "../io.js";
import { Manager } from "./manager.js";

export const io: Io = /* @__PURE__ */ ioWith(Manager);
