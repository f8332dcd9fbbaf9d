import type { Presence, Room } from "@sockeye/rooms/client";
import type { DefaultEventsMap } from "@sockeye/socket";
import type { RoomState } from "./hook-types.js";
import type { Link } from "./link.js";
import { makeStore, type Store } from "./store.js";

/** State of a room. */
type RoomView = RoomState<DefaultEventsMap, DefaultEventsMap>;

/** A room of a socket, joined as long as a component watches. */
export interface RoomStore extends Store<RoomView> {
  /**
   * Watches. What came since is heard by all who enter before it has joined; who is new and alone joins again for that.
   *
   * @param visitor stands for the component
   */
  enter(visitor: object, since: string | undefined, tell?: () => void): () => void;
  /** Shows this client to the others, by a value; `undefined`: no more. */
  show(value: unknown): void;
}

/** @param name left out: no room */
export function roomOf(link: Link, name: string | undefined): RoomStore {
  return link.share(`room ${name}`, () => {
    let room: Room | undefined;
    let from: string | undefined;
    let visitors = new WeakSet<object>();
    const set = (change: Partial<RoomView>): void => store.set({ ...store.value, ...change });
    const refused = (error: unknown): void => set({ joined: false, error });
    const join = (): void => void room?.join({ since: from }).catch(refused);
    const store = makeStore<RoomView>({ joined: false }, () => {
      if (name === undefined) return undefined;
      const release = link.watch();
      const own = link.socket().room(name);
      if (!room) {
        own.onJoin(({ complete }) => set({ joined: true, complete, error: undefined }));
        own.onPutOut(refused);
      }
      room = own;
      set({ room: own });
      join();
      return () => {
        own.leave();
        release();
        from = undefined;
        visitors = new WeakSet();
      };
    });
    return Object.assign(store, {
      enter(visitor: object, since: string | undefined, tell?: () => void) {
        if (since !== undefined && store.isLeft() && !visitors.has(visitor)) store.end();
        const isFirst = since !== undefined && from === undefined && !store.value.joined;
        if (isFirst) from = since;
        if (isFirst && store.value.room) join();
        const release = store.watch(tell);
        visitors.add(visitor);
        return release;
      },
      show(value: unknown) {
        const { presence } = room ?? {};
        (value === undefined ? presence?.clear() : presence?.set(value))?.catch((error: unknown) =>
          set({ error }),
        );
      },
    });
  });
}

/** Who is in a room, which it joins. */
export function presenceOf(link: Link, name: string | undefined): Store<readonly Presence[]> {
  return link.share(`presence ${name}`, () => {
    const store: Store<readonly Presence[]> = makeStore([], () => {
      const room = roomOf(link, name);
      const release = room.watch();
      const presence = room.value.room?.presence;
      const stop = presence?.on("change", () => store.set(presence.members));
      return () => {
        stop?.();
        release();
      };
    });
    return store;
  });
}
