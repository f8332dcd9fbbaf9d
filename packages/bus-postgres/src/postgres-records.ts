import type { BusRecord, BusRecords } from "@sockeye/protocol";
import type { Row, Statement } from "./connection.js";
import { type Tables, toText } from "./tables.js";

/** Rejects with `ERR_BUS_DOWN` while there is no connection. */
export type Ask = (statement: Statement) => Promise<readonly Row[]>;

/** Records in a table. Versions are counted for all, so that none comes again. */
export class PostgresRecords implements BusRecords {
  readonly #tables: Tables;
  readonly #ask: Ask;

  constructor(tables: Tables, ask: Ask) {
    this.#tables = tables;
    this.#ask = ask;
  }

  async get(key: string): Promise<BusRecord | undefined> {
    const [row] = await this.#ask({
      name: "sockeye-record-get",
      text: `select version, encode(bytes, 'base64') from ${this.#tables.record} where key = $1 and until > now()`,
      values: [toText(key)],
    });
    return row && { version: Number(row[0]), bytes: Buffer.from(row[1] ?? "", "base64") };
  }

  async put(key: string, bytes: Uint8Array, version: number, ttlMs: number): Promise<number | undefined> {
    const { record, version: versions } = this.#tables;
    const until = "now() + $3 * interval '1 millisecond'";
    const next = `nextval('${versions}')`;
    const first = `insert into ${record} as r (key, version, bytes, until) values ($1, ${next}, $2, ${until})
on conflict (key) do update set version = excluded.version, bytes = excluded.bytes, until = excluded.until
where r.until <= now() returning version`;
    const change = `update ${record} set version = ${next}, bytes = $2, until = ${until}
where key = $1 and version = $4 and until > now() returning version`;
    const values = [toText(key), asBuffer(bytes), ttlMs];
    const [row] = await this.#ask(
      version === 0
        ? { name: "sockeye-record-first", text: first, values }
        : { name: "sockeye-record-change", text: change, values: [...values, version] },
    );
    return row && Number(row[0]);
  }

  async delete(key: string, version: number): Promise<boolean> {
    const rows = await this.#ask({
      name: "sockeye-record-delete",
      text: `delete from ${this.#tables.record} where key = $1 and version = $2 and until > now() returning 1`,
      values: [toText(key), version],
    });
    return rows.length > 0;
  }

  async touch(keys: readonly string[], ttlMs: number): Promise<void> {
    if (keys.length === 0) return;
    const { record } = this.#tables;
    // In one order, so that no two wait for each other.
    await this.#ask({
      name: "sockeye-record-touch",
      text: `update ${record} set until = now() + $2 * interval '1 millisecond' where key in (
select key from ${record} where key = any ($1::text[]) and until > now() order by key for update)`,
      values: [keys.map(toText), ttlMs],
    });
  }
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
