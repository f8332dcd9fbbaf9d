export type { AsyncApiDocument, AsyncApiOptions, Described } from "./asyncapi.js";
export { asyncapi } from "./asyncapi.js";
export type { Contracts } from "./contracts.js";
export type { JsonSchemaDocument } from "./json-schema.js";
export { jsonSchema } from "./json-schema.js";
export type { JsonSchema, ToJsonSchema } from "./schemas.js";
