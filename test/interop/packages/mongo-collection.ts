// A collection of MongoDB in memory, as far as @socket.io/mongo-adapter uses one. Documents are BSON in it, so each reader has what the driver would
// give it: bytes as `Binary`, `undefined` as null. Change streams tell of what is inserted after they were opened, in order, later.
//
// Unlike there, all ids are of one process, and so in the order of insertion. A replica set does not promise that for documents of several
// processes within one second, and the adapter's recovery relies on it.
import { EventEmitter } from "node:events";
import type { Bson, ObjectId } from "../../mongo/tools.js";

type Document = Record<string, unknown>;
type Filter = Readonly<Record<string, unknown>>;

class ChangeStream extends EventEmitter {
  readonly #gone: (stream: ChangeStream) => void;
  readonly #match: Filter;

  constructor(match: Filter, gone: (stream: ChangeStream) => void) {
    super();
    this.#match = match;
    this.#gone = gone;
  }

  tell(change: Document): void {
    if (matches(change, this.#match)) this.emit("change", change);
  }

  async close(): Promise<void> {
    this.#gone(this);
    this.emit("close");
  }
}

export class MongoCollection {
  readonly #bson: Bson;
  #documents: Uint8Array[] = [];
  readonly #streams = new Set<ChangeStream>();

  constructor(bson: Bson) {
    this.#bson = bson;
  }

  async insertOne(
    document: Document,
  ): Promise<{ readonly acknowledged: true; readonly insertedId: ObjectId }> {
    // The driver puts the id on the caller's object.
    document["_id"] ??= new this.#bson.ObjectId();
    const bytes = this.#bson.serialize(document, { ignoreUndefined: false });
    this.#documents.push(bytes);
    const streams = [...this.#streams];
    setImmediate(() => {
      for (const stream of streams)
        if (this.#streams.has(stream))
          stream.tell({ operationType: "insert", fullDocument: this.#bson.deserialize(bytes) });
    });
    await new Promise(setImmediate);
    return { acknowledged: true, insertedId: document["_id"] as ObjectId };
  }

  watch(pipeline: readonly { readonly $match: Filter }[] = []): ChangeStream {
    const [stage] = pipeline;
    const stream = new ChangeStream(stage?.$match ?? {}, (gone) => void this.#streams.delete(gone));
    this.#streams.add(stream);
    return stream;
  }

  async findOne(
    filter: Filter,
    { sort }: { sort?: { readonly _id: 1 | -1 } } = {},
  ): Promise<Document | null> {
    return this.#all(filter).at(sort?._id === -1 ? -1 : 0) ?? null;
  }

  async findOneAndDelete(
    filter: Filter,
    options: { includeResultMetadata?: boolean } = {},
  ): Promise<unknown> {
    const at = this.#documents.findIndex((bytes) => matches(this.#bson.deserialize(bytes), filter));
    const [bytes] = at < 0 ? [] : this.#documents.splice(at, 1);
    const value = bytes ? this.#bson.deserialize(bytes) : null;
    return options.includeResultMetadata ? { value, ok: 1 } : value;
  }

  async *find(filter: Filter): AsyncGenerator<Document> {
    yield* this.#all(filter);
  }

  #all(filter: Filter): Document[] {
    return this.#documents
      .map((bytes) => this.#bson.deserialize(bytes))
      .filter((each) => matches(each, filter));
  }
}

/** What a filter may ask. Whatever is not here fails the test that uses it. */
const OPERATORS: Readonly<Record<string, (found: unknown, wanted: unknown) => boolean>> = {
  $ne: (found, wanted) => !isOrHas(found, wanted),
  $eq: isOrHas,
  $gt: (found, wanted) => text(found) > text(wanted),
  $size: (found, wanted) => Array.isArray(found) && found.length === wanted,
  $in: (found, wanted) => (wanted as readonly unknown[]).some((each) => isOrHas(found, each)),
  $nin: (found, wanted) => !(wanted as readonly unknown[]).some((each) => isOrHas(found, each)),
};

function matches(document: Document, filter: Filter): boolean {
  return Object.entries(filter).every(([path, wanted]) => {
    if (path === "$and") return (wanted as readonly Filter[]).every((each) => matches(document, each));
    if (path === "$or") return (wanted as readonly Filter[]).some((each) => matches(document, each));
    const found = path.split(".").reduce<unknown>((value, name) => Object(value ?? {})[name], document);
    const asked = Object.entries(Object(wanted) as Filter).filter(([name]) => name.startsWith("$"));
    if (asked.length === 0) return isOrHas(found, wanted);
    return asked.every(([name, operand]) => {
      const operator = OPERATORS[name];
      if (!operator) throw new Error(`the collection of the test does not know ${name}`);
      return operator(found, operand);
    });
  });
}

/** A value, or a list that has it, as in MongoDB; nothing and null are the same. */
function isOrHas(found: unknown, wanted: unknown): boolean {
  const isIt = (value: unknown): boolean => text(value ?? null) === text(wanted ?? null);
  return isIt(found) || (Array.isArray(found) && found.some(isIt));
}

/** Of simple values and ids, whose order is that of their digits. */
function text(value: unknown): string {
  return typeof value === "object" && value !== null && "toHexString" in value
    ? (value as ObjectId).toHexString()
    : JSON.stringify(value);
}
