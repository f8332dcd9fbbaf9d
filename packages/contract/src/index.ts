export { ContractError } from "@sockeye/protocol";
export type { CallErrorOptions } from "./call-error.js";
export { CallError, isCallError } from "./call-error.js";
export type { Contract } from "./contract.js";
export { contract } from "./contract.js";
export type { CallItem, EventItem, Items, Refusals, StreamItem, UploadItem } from "./describe.js";
export { call, event, stream, upload } from "./describe.js";
export type { InputOf, OutputOf, Schema } from "./schema.js";
export { type } from "./schema.js";
export type { UploadedFile } from "./streams/upload-types.js";
export type {
  ClientEmits,
  ClientListens,
  ContractParts,
  DataOf,
  RefusalOf,
  RoomOf,
  ServerEmits,
  ServerListens,
} from "./types.js";
