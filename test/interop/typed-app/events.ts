// The app's events, as Socket.IO's guide has its readers write them: one interface for each direction.

export interface Order {
  readonly id: number;
  readonly item: string;
  readonly state: "open" | "ready";
}

export type Reply<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly reason: string };

export interface ClientToServerEvents {
  "order:add": (item: string, ack: (reply: Reply<Order>) => void) => void;
  "order:list": (ack: (orders: Order[], total: number) => void) => void;
  watch: (id: number) => void;
  finish: () => void;
}

export interface ServerToClientEvents {
  hello: () => void;
  "order:changed": (order: Order, by?: string) => void;
  "order:confirm": (order: Order, ack: (yes: boolean) => void) => void;
  photo: (bytes: Buffer) => void;
}

export interface InterServerEvents {
  cleared: (by: string) => void;
  load: (node: string, ack: (count: number) => void) => void;
}

export interface SocketData {
  user: string;
  visits: number;
}

export interface KitchenToServerEvents {
  ready: (id: number, ack: () => void) => void;
}

export interface ServerToKitchenEvents {
  cook: (order: Order) => void;
}
