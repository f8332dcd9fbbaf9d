import type { Schema } from "@sockeye/contract";
import { UsageError } from "@sockeye/protocol";
import type { Contracts, Item } from "./contracts.js";
import { byNamespace, itemsOf } from "./contracts.js";
import { freeKey, type JsonSchema, Schemas, standardJsonSchema, type ToJsonSchema } from "./schemas.js";

export interface AsyncApiOptions {
  /** Of the API. Default `"API"`. */
  readonly title?: string;
  /** Of the API, not of AsyncAPI. Default `"1.0.0"`. */
  readonly version?: string;
  readonly description?: string;
  /** Where the server is, with the path: `https://example.com/socket.io/`. Left out, the document names no server. */
  readonly url?: string;
  /** JSON Schema of a schema, where the validator has none of its own. */
  readonly jsonSchema?: ToJsonSchema;
}

/** A document, and what it could not say. */
export interface Described<Document> {
  readonly document: Document;
  /** One line for each schema that stands as "anything" in the document: where, and why. */
  readonly warnings: readonly string[];
}

export interface AsyncApiDocument {
  readonly asyncapi: "3.0.0";
  readonly info: { readonly title: string; readonly version: string; readonly description?: string };
  readonly defaultContentType: "application/json";
  readonly servers?: Readonly<Record<string, object>>;
  readonly channels: Readonly<Record<string, object>>;
  readonly operations: Readonly<Record<string, object>>;
  readonly components: { readonly schemas: Readonly<Record<string, JsonSchema>> };
}

/**
 * Describes contracts as an AsyncAPI 3 document, as the server sees it: a channel for each namespace, an operation for each event, call and
 * stream. A message is the list of the event's arguments; a call's reply is the list of the acknowledgement's.
 *
 * @see https://www.asyncapi.com/docs/reference/specification/v3.0.0
 * @throws UsageError `ERR_BAD_OPTION` for what is no contract, and for a `url` that is none
 */
export function asyncapi(contracts: Contracts, options: AsyncApiOptions = {}): Described<AsyncApiDocument> {
  const { title = "API", version = "1.0.0", description, jsonSchema = standardJsonSchema } = options;
  const schemas = new Schemas("#/components/schemas", jsonSchema);
  const channels: Record<string, object> = {};
  const operations: Record<string, object> = {};
  for (const [address, { toServer, toClient }] of byNamespace(contracts)) {
    const channel = new Channel(freeKey(channels, address === "/" ? "main" : address.slice(1)), schemas);
    for (const [action, items] of [
      ["receive", toServer],
      ["send", toClient],
    ] as const)
      for (const [name, item] of itemsOf(items))
        operations[freeKey(operations, `${channel.key}.${action}.${name}`)] = channel.operation(
          action,
          name,
          item,
        );
    channels[channel.key] = { address, title: `namespace ${address}`, messages: channel.messages };
  }
  const document: AsyncApiDocument = {
    asyncapi: "3.0.0",
    info: description === undefined ? { title, version } : { title, version, description },
    defaultContentType: "application/json",
    ...(options.url === undefined ? {} : { servers: { main: serverAt(options.url) } }),
    channels,
    operations,
    components: { schemas: schemas.all },
  };
  return { document, warnings: schemas.warnings };
}

/** The messages of one namespace. */
class Channel {
  readonly messages: Record<string, object> = {};

  constructor(
    readonly key: string,
    private readonly schemas: Schemas,
  ) {}

  operation(action: "receive" | "send", name: string, item: Item): object {
    const channel = { $ref: `#/channels/${this.key}` };
    const asked = this.#message(name, name, item.kind === "event" ? item.args : listOf(item.input));
    const operation = { action, channel, title: name, summary: item.kind, messages: [asked] };
    if (item.kind === "event") return operation;
    const answers = item.kind === "call" ? this.#answers(name, item) : this.#stream(name, item);
    return { ...operation, reply: { channel, messages: answers } };
  }

  /** A value, or `null` and a refusal. */
  #answers(name: string, { answer, errors }: Extract<Item, { kind: "call" }>): object[] {
    const refusals = Object.entries(errors).map(([code, data]) => {
      const what = `${name}.error.${code}`;
      return this.#add(what, `${name} is refused: ${code}`, [
        { type: "null" },
        refusalSchema(code, this.schemas.add(`${this.key}.${what}`, data)),
      ]);
    });
    return [this.#message(`${name}.answer`, `the answer to ${name}`, listOf(answer)), ...refusals];
  }

  #stream(name: string, { item, end }: Extract<Item, { kind: "stream" }>): object[] {
    return [
      this.#message(`${name}.item`, `an item of ${name}`, [item]),
      this.#message(`${name}.end`, `the end of ${name}`, listOf(end)),
    ];
  }

  #message(name: string, title: string, args: readonly Schema[]): object {
    const many = args.length > 1;
    return this.#add(
      name,
      title,
      args.map((schema, at) => this.schemas.add(`${this.key}.${name}${many ? `.${at}` : ""}`, schema)),
    );
  }

  #add(name: string, title: string, args: readonly JsonSchema[]): object {
    const key = freeKey(this.messages, name);
    this.messages[key] = { name, title, payload: listSchema(args) };
    return { $ref: `#/channels/${this.key}/messages/${key}` };
  }
}

function listOf(schema: Schema | undefined): readonly Schema[] {
  return schema ? [schema] : [];
}

/** Arguments, one by one. JSON Schema forbids an empty list of items. */
function listSchema(args: readonly JsonSchema[]): JsonSchema {
  if (args.length === 0) return { type: "array", maxItems: 0 };
  return { type: "array", items: args, additionalItems: false };
}

function refusalSchema(code: string, data: JsonSchema): JsonSchema {
  const error = {
    type: "object",
    required: ["code", "message"],
    properties: { code: { const: code }, message: { type: "string" }, data },
  };
  return { type: "object", required: ["$error"], properties: { $error: error } };
}

function serverAt(text: string): object {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^(https?|wss?):$/.test(url.protocol))
    throw new UsageError("ERR_BAD_OPTION", `url is no URL of a server: ${JSON.stringify(text)}`);
  const protocol = /s:$/.test(url.protocol) ? "wss" : "ws";
  return {
    host: url.host,
    pathname: url.pathname === "/" ? "/socket.io/" : url.pathname,
    protocol,
    description: "Socket.IO protocol 5 over Engine.IO protocol 4; WebSocket or HTTP long-polling.",
  };
}
