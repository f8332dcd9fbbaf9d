/** Something that wants to know what happens to the page. */
export interface PageListener {
  /** The network is gone, says the browser. */
  offline?(): void;
  /** The network is there again, says the browser. */
  online?(): void;
  /** The page is about to go away. */
  leaving?(): void;
}

const listeners = new Set<PageListener>();

// A service worker must add its handlers while its script is evaluated.
if (typeof addEventListener === "function") {
  addEventListener("offline", () => {
    for (const listener of [...listeners]) listener.offline?.();
  });
  addEventListener("online", () => {
    for (const listener of [...listeners]) listener.online?.();
  });
  addEventListener("beforeunload", () => {
    for (const listener of [...listeners]) listener.leaving?.();
  });
}

export function watchPage(listener: PageListener): void {
  listeners.add(listener);
}

export function unwatchPage(listener: PageListener): void {
  listeners.delete(listener);
}
