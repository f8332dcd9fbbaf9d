import type { Dial, DialLike, Duplicable } from "./connection.js";

/** One server of several. */
export interface Server {
  /** The same for the same server. */
  readonly name: string;
  readonly dial: Dial;
}

/** The servers behind a client of a Redis Cluster, or the one that Sentinel names now. */
export interface Servers {
  /** Resolves once they are known. */
  open(): Promise<unknown>;
  /** Which has this slot? */
  of(slot: number): Promise<Server>;
  close(): void;
}

interface Listening {
  on(event: string, listener: (value: unknown) => void): unknown;
}

// ---- redis

interface NodeRedisCluster extends Listening {
  connect(): Promise<unknown>;
  destroy(): void;
  readonly slots: readonly ({ readonly master: { readonly address: string } } | undefined)[];
  nodeClient(node: { readonly address: string }): Promise<Duplicable>;
}

export function serversOfNodeRedisCluster(client: Duplicable, dialLike: DialLike): Servers {
  const made = client.duplicate(...([{ minimizeConnections: true }] as never[])) as NodeRedisCluster;
  let failed: (error: unknown) => void = () => {};
  const failure = new Promise<never>((_resolve, reject) => {
    failed = reject;
  });
  failure.catch(() => {});
  made.on("error", () => {});
  // It would dial without an end.
  made.on("node-error", (error) => failed(error));
  return {
    open: () => made.connect(),
    of: async (slot) => {
      const master = made.slots[slot]?.master;
      if (!master) throw new Error(`nobody has slot ${slot}`);
      const one = await Promise.race([made.nodeClient(master), failure]);
      return { name: master.address, dial: dialLike(one) };
    },
    close: () => ignoring(() => made.destroy()),
  };
}

interface NodeRedisSentinel extends Listening {
  connect(): Promise<unknown>;
  destroy(): Promise<unknown>;
  /** The only way to a client of the master alone. */
  _execute(isReadonly: false, act: (master: Duplicable) => Promise<Duplicable[]>): Promise<Duplicable[]>;
}

export function serversOfNodeRedisSentinel(client: Duplicable, dialLike: DialLike): Servers {
  const made = client.duplicate() as NodeRedisSentinel;
  made.on("error", () => {});
  return {
    open: () => made.connect(),
    of: async () => {
      const [master] = await made._execute(false, (one) => Promise.resolve([one]));
      if (!master) throw new Error("Sentinel names no master");
      return { name: "master", dial: dialLike(master) };
    },
    close: () => ignoring(() => made.destroy()),
  };
}

// ---- ioredis

interface IoRedisNode extends Duplicable {
  readonly options: { readonly host?: string; readonly port?: number };
}
interface IoRedisCluster extends Listening {
  connect(): Promise<unknown>;
  disconnect(): void;
  readonly slots: readonly (readonly string[] | undefined)[];
  nodes(role: "master"): readonly IoRedisNode[];
}

export function serversOfIoRedisCluster(client: Duplicable, dialLike: DialLike): Servers {
  const made = client.duplicate(...([[], { lazyConnect: true }] as never[])) as IoRedisCluster;
  for (const event of ["error", "node error"]) made.on(event, () => {});
  return {
    open: () => made.connect(),
    of: async (slot) => {
      const name = made.slots[slot]?.[0];
      const one = made.nodes("master").find(({ options: { host, port } }) => `${host}:${port}` === name);
      if (name === undefined || !one) throw new Error(`nobody has slot ${slot}`);
      return { name, dial: dialLike(one) };
    },
    close: () => ignoring(() => made.disconnect()),
  };
}

/** It may be closed already. */
function ignoring(act: () => unknown): void {
  try {
    Promise.resolve(act()).catch(() => {});
  } catch {
    // See above.
  }
}
