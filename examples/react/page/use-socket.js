// Three hooks. They hold in StrictMode, which mounts each component twice, and with a component that comes and goes.
import { io } from "@sockeye/client";
import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";

/**
 * A socket that is connected as long as the component is mounted. Reading it in several components: make it in one of them, and
 * hand it down.
 */
export function useSocket(url, options) {
  // Made once and kept: to make it in the effect would lose what is emitted before.
  const [socket] = useState(() => io(url, { ...options, autoConnect: false }));
  useEffect(() => {
    socket.connect();
    return () => socket.disconnect();
  }, [socket]);
  return socket;
}

/** How it stands right now: `connecting`, `connected`, `suspended` (an outage that may be bridged) or `offline`. */
export function useStatus(socket) {
  const subscribe = useCallback((changed) => socket.onStatus(changed), [socket]);
  return useSyncExternalStore(
    subscribe,
    () => socket.status,
    // Where the page is rendered on a server nothing is connected.
    () => "offline",
  );
}

/** Calls the handler for each such event: always the latest one, so it need not be memoized. */
export function useEvent(socket, event, handler) {
  const latest = useRef(handler);
  useEffect(() => {
    latest.current = handler;
  });
  useEffect(() => {
    const listener = (...args) => latest.current(...args);
    socket.on(event, listener);
    return () => socket.off(event, listener);
  }, [socket, event]);
}
