import { UsageError } from "@sockeye/protocol";

/** The names of tables, ready for SQL. */
export interface Tables {
  readonly message: string;
  readonly log: string;
  readonly entry: string;
  readonly writer: string;
  readonly record: string;
  readonly version: string;
  /** Of NOTIFY, which knows no schemas. */
  readonly channel: string;
  /** Makes them. */
  readonly sql: string;
}

const PREFIX = /^([a-z_][a-z0-9_]{0,30}\.)?[a-z_][a-z0-9_]{0,23}$/;
export const DEFAULT_PREFIX = "sockeye_";

/**
 * The SQL that makes the tables of a bus. The bus runs it by itself where they are missing and its user may.
 *
 * @param prefix of the names, as the option of the same name
 * @throws UsageError `ERR_BAD_OPTION`
 */
export function tablesSql(prefix: string = DEFAULT_PREFIX): string {
  return tablesOf(prefix).sql;
}

/** @throws UsageError `ERR_BAD_OPTION` */
export function tablesOf(prefix: string): Tables {
  if (!PREFIX.test(prefix)) {
    throw new UsageError(
      "ERR_BAD_OPTION",
      `The option prefix must be lower-case letters, digits and underscores, 24 at most, with a schema and a dot before them if need be, not ${JSON.stringify(prefix)}.`,
    );
  }
  const table = (name: string): string => `${prefix}${name}`;
  const names = {
    message: table("message"),
    log: table("log"),
    entry: table("entry"),
    writer: table("writer"),
    record: table("record"),
    version: table("version"),
    channel: `${prefix}bell`,
  };
  return { ...names, sql: sqlOf(names) };
}

function sqlOf({ message, log, entry, writer, record, version }: Omit<Tables, "sql">): string {
  return `-- Messages, for half a minute. They need not outlive a crash, so they are not in the write-ahead log.
create unlogged table if not exists ${message} (
  writer text, n bigint, topic text not null, bytes bytea not null, at timestamptz not null default now(),
  primary key (writer, n));
alter table ${message} alter column bytes set storage external;
-- Where each log is, what is in it, and who has added what.
create table if not exists ${log} (
  grp text primary key, epoch text not null, n bigint not null, began bigint not null, used timestamptz not null default now());
create table if not exists ${entry} (
  grp text, n bigint, topic text not null, others text, bytes bytea not null, until timestamptz not null,
  primary key (grp, n));
create table if not exists ${writer} (
  grp text, writer text, number bigint not null, until timestamptz not null,
  primary key (grp, writer));
-- Records of sessions, and the number of the last change of any.
create table if not exists ${record} (
  key text primary key, version bigint not null, bytes bytea not null, until timestamptz not null);
create sequence if not exists ${version};
`;
}

const UNFIT = /[\0%]/g;

/** Texts of PostgreSQL hold no NUL. */
export function toText(text: string): string {
  return text.replace(UNFIT, (unfit) => (unfit === "%" ? "%25" : "%00"));
}

export function fromText(text: string): string {
  return text.replace(/%(25|00)/g, (_all, code) => (code === "25" ? "%" : "\0"));
}
