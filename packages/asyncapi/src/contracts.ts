import type { CallItem, Contract, EventItem, StreamItem } from "@sockeye/contract";
import { UsageError } from "@sockeye/protocol";

/** One contract, which is that of the main namespace, or one for each namespace: `{ "/": main, "/chat": chat }`. */
export type Contracts = Contract | Readonly<Record<string, Contract>>;

export type Item = EventItem | CallItem | StreamItem;

/** @throws UsageError `ERR_BAD_OPTION` for what is neither a contract nor contracts by namespace */
export function byNamespace(contracts: Contracts): [namespace: string, contract: Contract][] {
  if (isContract(contracts)) return [["/", contracts]];
  const all = Object.entries(Object(contracts) as Record<string, unknown>);
  if (all.length === 0) throw new UsageError("ERR_BAD_OPTION", "there is no contract to describe");
  return all.map(([namespace, contract]) => {
    if (!isContract(contract))
      throw new UsageError("ERR_BAD_OPTION", `the value for ${JSON.stringify(namespace)} is not a contract`);
    return [namespace.startsWith("/") ? namespace : `/${namespace}`, contract];
  });
}

/** What `contract()` of `@sockeye/contract` has returned. */
export function isContract(value: unknown): value is Contract {
  const { toServer, toClient, server, client } = Object(value) as Partial<Contract>;
  return [toServer, toClient, server, client].every((part) => typeof part === "object" && part !== null);
}

export function itemsOf(items: object): [name: string, item: Item][] {
  return Object.entries(items as Record<string, Item>);
}
