import { io, Manager, type ManagerOptions, type Socket, type SocketOptions } from "socket.io-client";
import type {
  ClientToServerEvents,
  KitchenToServerEvents,
  Order,
  Reply,
  ServerToClientEvents,
  ServerToKitchenEvents,
} from "./events.js";

type ShopSocket = Socket<ServerToClientEvents, ClientToServerEvents>;
type KitchenSocket = Socket<ServerToKitchenEvents, KitchenToServerEvents>;

const OPTIONS: Partial<ManagerOptions & SocketOptions> = {
  transports: ["polling", "websocket"],
  reconnectionAttempts: 3,
  reconnectionDelay: 50,
  extraHeaders: { "x-shop": "typed" },
  forceNew: true,
};

function opened(socket: Pick<Socket, "once">): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("connect_error", reject);
  });
}

export interface Visit {
  readonly events: string[];
  readonly reply: Reply<Order>;
  readonly total: number;
  readonly late: Reply<Order>;
  readonly left: string;
}

/** A guest orders, the kitchen cooks, the guest leaves. */
export async function visit(url: string, meanwhile: () => Promise<void>): Promise<Visit> {
  const events: string[] = [];
  const guest: ShopSocket = io(url, { ...OPTIONS, auth: { user: " Ann " }, query: { visits: 2 } });
  guest.on("hello", () => events.push("hello"));
  guest.on("photo", (bytes) => events.push(`photo ${bytes.length}`));
  guest.on("order:changed", (order, by) => events.push(`${order.item} is ${order.state}, ${by ?? "?"}`));
  guest.on("order:confirm", (_order, ack) => ack(true));
  await opened(guest);

  const reply = await guest.emitWithAck("order:add", "soup");
  const total = await new Promise<number>((resolve) =>
    guest.emit("order:list", (_orders, count) => resolve(count)),
  );
  const late = await guest.timeout(1000).emitWithAck("order:add", "bread");
  guest.emit("watch", 1);
  guest.timeout(1000).emit("order:add", "x".repeat(101), (error, answer) => {
    events.push(error ? "no answer" : `answer ${answer.ok}`);
  });

  const manager = new Manager(url, { transports: ["websocket"], autoConnect: false });
  const kitchen: KitchenSocket = manager.socket("/kitchen", { auth: { station: "grill" } });
  kitchen.connect();
  await opened(kitchen);
  await kitchen.emitWithAck("ready", 1);
  await meanwhile();

  const left = new Promise<string>((resolve) => {
    guest.on("disconnect", (reason: Socket.DisconnectReason) => resolve(reason));
  });
  guest.io.on("reconnect_attempt", (attempt) => events.push(`attempt ${attempt}`));
  guest.io.reconnection(false);
  guest.emit("finish");
  const visited = { events, reply, total, late, left: await left };
  kitchen.disconnect();
  return visited;
}

/** Somebody without a name is refused, and hears why. */
export async function refused(url: string): Promise<string> {
  const socket = io(url, { transports: ["websocket"], forceNew: true });
  try {
    return await new Promise((resolve) =>
      socket.on("connect_error", (error) => resolve(`${error.message} ${error.data?.code}`)),
    );
  } finally {
    socket.close();
  }
}
